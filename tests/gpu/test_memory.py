"""Frames that are too big, and memory that runs out."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.errors import OutOfMemory
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue, synthetic
from pipeline.models.inspection import inspect
from pipeline.superres.gpu.session import TensorRtSession
from pipeline.superres.gpu.tensorrt.network import Lane
from pipeline.system.cuda import Gpu
from tests.superres.oracle import saturated

FORMAT = FrameFormat(640, 480, PIXEL_FORMATS["yuv420p"], Colour(1, False))
MODEL = "clear-x2"


def upscaled(session: TensorRtSession, frame: Frame) -> list[np.ndarray]:
    done = session.collect(session.submit(frame))
    planes = [plane.copy() for plane in done.planes]
    done.release()
    return planes


@pytest.fixture
def whole() -> list[np.ndarray]:
    with TensorRtSession(catalogue.find(MODEL, np.float16), FORMAT) as session:
        assert session.tiling.whole
        return upscaled(session, saturated(FORMAT))


@pytest.mark.parametrize("mebibytes", [80, 50])
def test_a_frame_beyond_the_budget_goes_in_tiles_and_comes_out_as_the_whole(
    whole: list[np.ndarray], mebibytes: int
) -> None:
    with TensorRtSession(catalogue.find(MODEL, np.float16), FORMAT, vram=mebibytes * 2**20) as session:
        assert not session.tiling.whole
        tiled = upscaled(session, saturated(FORMAT))
    assert all(psnr(a, b) >= 50 for a, b in zip(whole, tiled, strict=True))


@pytest.mark.parametrize("pixel", ["yuva420p", "p010le", "gbrp"])
def test_luma_alone_and_what_goes_past_it_come_out_of_tiles_as_whole(tmp_path: Path, pixel: str) -> None:
    path = tmp_path / "luma.onnx"
    path.write_bytes(synthetic.srvgg(32, 4, np.float16, channels=1).SerializeToString())
    model, format = inspect(path), FrameFormat(640, 480, PIXEL_FORMATS[pixel], Colour(1, False))
    given = saturated(format)
    with TensorRtSession(model, format) as session:
        assert session.tiling.whole
        expected = upscaled(session, given)
    with TensorRtSession(model, format, vram=40 * 2**20) as session:
        assert not session.tiling.whole
        tiled = upscaled(session, given)
    peak = (1 << format.pixel.depth) - 1 << format.pixel.shift
    assert all(psnr(a, b, peak=peak) >= 50 for a, b in zip(expected, tiled, strict=True))
    if format.pixel.alpha:
        np.testing.assert_array_equal(expected[-1], tiled[-1])


def test_a_budget_is_kept() -> None:
    budget = 200 * 2**20
    format = FrameFormat(1920, 1080, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    TensorRtSession(catalogue.find(MODEL, np.float16), format, vram=budget).close()  # the driver's own share, first
    with TensorRtSession(catalogue.find(MODEL, np.float16), FORMAT):
        before = Gpu(0).free_memory
    with TensorRtSession(catalogue.find(MODEL, np.float16), format, vram=budget):
        assert before - Gpu(0).free_memory < budget + 64 * 2**20  # compiled code and graphs are TensorRT's own affair


def test_what_fits_in_no_way_is_refused_in_one_line() -> None:
    with pytest.raises(OutOfMemory, match=r"do not fit into 0\.0 GiB of GPU memory.*--vram"):
        TensorRtSession(catalogue.find(MODEL, np.float16), FORMAT, vram=2**20)


def test_memory_that_runs_out_on_the_way_costs_no_frame(
    whole: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, calls = Lane.run, []

    def sometimes(lane: Lane) -> None:
        calls.append(1)
        if len(calls) in (7, 9):
            raise OutOfMemory("no room, says this test")
        run(lane)

    frames = [saturated(FORMAT, seed) for seed in range(12)]
    with TensorRtSession(catalogue.find(MODEL, np.float16), FORMAT, slots=6) as session:
        expected = [upscaled(session, frame) for frame in frames]
        monkeypatch.setattr(Lane, "run", sometimes)
        made, tickets = [], []
        for frame in [*frames, None, None, None]:
            if len(tickets) == 3 or frame is None:
                done = session.collect(tickets.pop(0))
                made.append([plane.copy() for plane in done.planes])
                done.release()
            if frame is not None:
                tickets.append(session.submit(frame))
        assert not session.tiling.whole
    assert len(made) == len(frames)
    for a, b in zip(expected, made, strict=True):
        assert all(psnr(x, y) >= 50 for x, y in zip(a, b, strict=True))
    assert [record.message for record in caplog.records if "smaller tiles" in record.message]


def test_a_job_goes_in_tiles_as_a_whole(tmp_path: Path, clip: Path) -> None:
    from tests.jobs import upscale

    result = upscale(clip, tmp_path / "out.mkv", backend="tensorrt", model="clear-x2", vram="256MiB")
    assert result.frames_out == 12

"""Frames that are too large for the memory budget, and memory that runs out."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.errors import OutOfMemory
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.models import catalogue, synthetic
from pipeline.models.inspection import inspect_model
from pipeline.superres.gpu.tensorrt.network import Lane
from pipeline.system.cuda import Gpu
from tests.gpu.sessions import open_gpu_session, tensorrt, upscale_frames
from tests.jobs import upscale
from tests.superres.oracle import saturated

FORMAT = FrameFormat(640, 480, PIXEL_FORMATS["yuv420p"], Colour(1, False))
MODEL = "clear-x2"


@pytest.fixture
def complete() -> list[np.ndarray]:
    with open_gpu_session(catalogue.find(MODEL, np.float16), FORMAT) as session:
        assert session.tiling.is_single_tile
        return upscale_frames(session, [saturated(FORMAT)])[0]


@pytest.mark.parametrize("mebibytes", [80, 50])
def test_a_frame_beyond_the_budget_is_upscaled_in_tiles_without_visible_difference(
    complete: list[np.ndarray], mebibytes: int
) -> None:
    with open_gpu_session(
        catalogue.find(MODEL, np.float16), FORMAT, options=tensorrt(vram=mebibytes * 2**20)
    ) as session:
        assert not session.tiling.is_single_tile
        tiled = upscale_frames(session, [saturated(FORMAT)])[0]
    assert all(psnr(a, b) >= 50 for a, b in zip(complete, tiled, strict=True))


@pytest.mark.parametrize("pixel", ["yuva420p", "p010le", "gbrp"])
def test_luma_networks_and_alpha_are_upscaled_in_tiles_without_visible_difference(tmp_path: Path, pixel: str) -> None:
    path = tmp_path / "luma.onnx"
    path.write_bytes(synthetic.srvgg(32, 4, np.float16, channels=1).SerializeToString())
    model, format = inspect_model(path), FrameFormat(640, 480, PIXEL_FORMATS[pixel], Colour(1, False))
    source_frame = saturated(format)
    with open_gpu_session(model, format) as session:
        assert session.tiling.is_single_tile
        expected = upscale_frames(session, [source_frame])[0]
    with open_gpu_session(model, format, options=tensorrt(vram=40 * 2**20)) as session:
        assert not session.tiling.is_single_tile
        tiled = upscale_frames(session, [source_frame])[0]
    peak = (1 << format.pixel.depth) - 1 << format.pixel.shift
    assert all(psnr(a, b, peak=peak) >= 50 for a, b in zip(expected, tiled, strict=True))
    if format.pixel.alpha:
        np.testing.assert_array_equal(expected[-1], tiled[-1])


def test_the_memory_budget_is_respected() -> None:
    budget = 200 * 2**20
    model, options = catalogue.find(MODEL, np.float16), tensorrt(vram=budget)
    format = FrameFormat(1920, 1080, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    open_gpu_session(model, format, options=options).close()  # the driver allocates its own share first
    with open_gpu_session(model, FORMAT):
        before = Gpu(0).free_memory
    with open_gpu_session(model, format, options=options):
        assert before - Gpu(0).free_memory < budget + 64 * 2**20  # compiled code and graphs are not in the budget


def test_frames_that_fit_in_no_way_are_refused_in_one_line() -> None:
    with pytest.raises(OutOfMemory, match=r"do not fit into 0\.0 GiB of GPU memory.*`vram`"):
        open_gpu_session(catalogue.find(MODEL, np.float16), FORMAT, options=tensorrt(vram=2**20))


def test_no_frame_is_lost_if_memory_runs_out(
    complete: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, calls = Lane.run, []

    def sometimes(lane: Lane) -> None:
        calls.append(1)
        if len(calls) in (7, 8, 9):  # a frame, and the first run of the plans with two contexts and one
            raise OutOfMemory("no memory, says this test")
        run(lane)

    frames = [saturated(FORMAT, seed) for seed in range(12)]
    with open_gpu_session(catalogue.find(MODEL, np.float16), FORMAT, slots=6) as session:
        expected = upscale_frames(session, frames)
        monkeypatch.setattr(Lane, "run", sometimes)
        outputs = upscale_frames(session, frames, in_flight=3)
        assert not session.tiling.is_single_tile
    assert len(outputs) == len(frames)
    for a, b in zip(expected, outputs, strict=True):
        assert all(psnr(x, y) >= 50 for x, y in zip(a, b, strict=True))
    assert [record.message for record in caplog.records if "smaller tiles" in record.message]


def test_a_job_with_a_small_budget_upscales_all_frames(tmp_path: Path, clip: Path) -> None:
    result = upscale(clip, tmp_path / "out.mkv", backend="tensorrt", model="clear-x2", vram="256MiB")
    assert result.frames_out == 12

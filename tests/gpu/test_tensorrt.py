"""The session on a GPU."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.flow.blocking import Aborted
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue, synthetic
from pipeline.models.inspection import inspect_model
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.gpu.sessions import open_gpu_session, upscale_frames, with_cache
from tests.superres.networks import OpenSession, open_cpu_session
from tests.superres.oracle import largest_difference, oracle, saturated
from tests.superres.session_suite import SessionSuite


class TestTensorRtSession(SessionSuite):
    dtype = np.float16

    @pytest.fixture
    def open_session(self) -> OpenSession:
        return open_gpu_session


class TestTensorRtSessionInFp32(SessionSuite):
    dtype = np.float32

    @pytest.fixture
    def open_session(self) -> OpenSession:
        return open_gpu_session


@pytest.mark.parametrize("name", ["clear-x2", "srvgg-24x8"])
@pytest.mark.parametrize("pixel", ["yuv420p", "gbrp", "gbrp16le", "gray16le", "yuv422p10le", "yuv440p", "yuva444p12le"])
def test_gpu_and_cpu_agree_to_45_decibels_on_a_textured_saturated_clip(name: str, pixel: str) -> None:
    format = FrameFormat(192, 128, PIXEL_FORMATS[pixel], Colour(1, False))
    peak = (1 << format.pixel.depth) - 1
    with (
        open_gpu_session(catalogue.find(name, np.float16), format) as gpu,
        open_cpu_session(catalogue.find(name, np.float32), format) as cpu,
    ):
        for seed in range(5):
            fast = gpu.collect(gpu.submit(saturated(format, seed)))
            slow = cpu.collect(cpu.submit(saturated(format, seed)))
            for a, b in zip(fast.planes, slow.planes, strict=True):
                assert psnr(a, b, peak=peak) >= 45
            fast.release()


def test_a_frame_is_collected_although_no_other_follows(frame: Frame) -> None:
    with open_gpu_session(catalogue.find("srvgg-24x8", np.float16), frame.format) as session:
        upscaled = session.collect(session.submit(frame))
        assert upscaled.planes[0].any()
        upscaled.release()


def test_frames_in_flight_together_give_the_same_output_as_alone() -> None:
    format = FrameFormat(64, 64, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    frames = [saturated(format, seed) for seed in range(40)]
    with open_gpu_session(catalogue.find("srvgg-24x8", np.float16), format, slots=4) as session:
        alone = upscale_frames(session, frames)
        together = upscale_frames(session, frames, in_flight=4)
    assert len(together) == len(alone)
    for a, b in zip(alone, together, strict=True):
        assert all((x == y).all() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("order", ["rgb", "y"])
def test_frames_with_alpha_stay_in_their_own_slots(tmp_path: Path, order: str) -> None:
    path = tmp_path / "nearest.onnx"
    path.write_bytes(synthetic.nearest(np.float16, channels=len(order)).SerializeToString())
    format = FrameFormat(132, 75, PIXEL_FORMATS["yuva420p10le"], Colour(1, False))
    result = replace(format, pixel=PIXEL_FORMATS["yuva420p"]).enlarged(2)
    frames = [saturated(format, seed) for seed in range(20)]
    with open_gpu_session(inspect_model(path), format, result, slots=3) as session:
        outputs = upscale_frames(session, frames, in_flight=3)
    for frame, planes in zip(frames, outputs, strict=True):
        expected = oracle(frame, result, enlarge=2, luma=order == "y")
        assert largest_difference(tuple(planes), expected, 0) <= 1


def test_submit_waits_for_a_slot_and_abort_wakes_it(frame: Frame) -> None:
    outcome: list[type[BaseException]] = []
    with open_gpu_session(catalogue.find("identity", np.float16), frame.format, slots=2) as session:
        unreleased = [session.collect(session.submit(frame)) for _ in range(2)]

        def submit() -> None:
            try:
                session.submit(frame)
            except Aborted as error:
                outcome.append(type(error))

        waiting = threading.Thread(target=submit, name="uprez-test")
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        session.abort()
        waiting.join(5)
        assert not waiting.is_alive()
        del unreleased
    assert outcome == [Aborted]


class TestEngineCache:
    @pytest.fixture
    def model(self) -> ModelSpec:
        return catalogue.find("srvgg-24x8", np.float16)

    def test_an_engine_is_built_once(
        self, tmp_path: Path, model: ModelSpec, frame: Frame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = EngineCache(tmp_path)
        open_gpu_session(model, frame.format, options=with_cache(cache)).close()
        monkeypatch.setattr("pipeline.superres.gpu.tensorrt.engine.build_engine", None)
        open_gpu_session(model, frame.format, options=with_cache(cache)).close()

    def test_a_damaged_engine_is_built_again_with_a_warning(
        self, tmp_path: Path, model: ModelSpec, frame: Frame, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache = EngineCache(tmp_path)
        open_gpu_session(model, frame.format, options=with_cache(cache)).close()
        (engine,) = tmp_path.glob("*.engine")
        engine.write_bytes(engine.read_bytes()[:1000])
        open_gpu_session(model, frame.format, options=with_cache(cache)).close()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "building it again" in caplog.text

    def test_another_size_builds_another_engine(self, tmp_path: Path, model: ModelSpec, frame: Frame) -> None:
        cache = EngineCache(tmp_path)
        for width in (32, 64):
            open_gpu_session(model, replace(frame.format, width=width), options=with_cache(cache)).close()
        assert len(list(tmp_path.glob("*.engine"))) == 2


def test_all_slots_are_free_after_many_frames(frame: Frame) -> None:
    with open_gpu_session(catalogue.find("identity", np.float16), frame.format, slots=3) as session:
        for _ in range(500):
            session.collect(session.submit(frame)).release()
        assert session.slots == (3, 3)

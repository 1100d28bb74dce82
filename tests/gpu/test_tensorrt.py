"""The TensorRT session: what every session must do, and what only this one promises."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.flow.blocking import Aborted
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue, synthetic
from pipeline.models.inspection import inspect
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.gpu.session import TensorRtSession
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.superres.networks import MakeSession
from tests.superres.oracle import oracle, saturated, worst
from tests.superres.session_suite import SessionSuite


class TestTensorRtSession(SessionSuite):
    dtype = np.float16

    @pytest.fixture
    def make(self) -> MakeSession:
        return TensorRtSession


class TestTensorRtSessionInFp32(SessionSuite):
    dtype = np.float32

    @pytest.fixture
    def make(self) -> MakeSession:
        return TensorRtSession


@pytest.mark.parametrize("name", ["clear-x2", "srvgg-24x8"])
@pytest.mark.parametrize("pixel", ["yuv420p", "gbrp", "gbrp16le", "gray16le", "yuv422p10le", "yuv440p", "yuva444p12le"])
def test_gpu_and_cpu_agree_to_45_decibels_on_a_textured_saturated_clip(name: str, pixel: str) -> None:
    format = FrameFormat(192, 128, PIXEL_FORMATS[pixel], Colour(1, False))
    peak = (1 << format.pixel.depth) - 1
    with (
        TensorRtSession(catalogue.find(name, np.float16), format) as gpu,
        OnnxSession(catalogue.find(name, np.float32), format) as cpu,
    ):
        for seed in range(5):
            fast, slow = (s.collect(s.submit(saturated(format, seed))) for s in (gpu, cpu))
            for a, b in zip(fast.planes, slow.planes, strict=True):
                assert psnr(a, b, peak=peak) >= 45
            fast.release()


def test_a_frame_leaves_when_it_is_done_though_no_other_follows(frame: Frame) -> None:
    with TensorRtSession(catalogue.find("srvgg-24x8", np.float16), frame.format) as session:
        done = session.collect(session.submit(frame))
        assert done.planes[0].any()
        done.release()


def test_frames_under_way_together_come_out_as_alone() -> None:
    format = FrameFormat(64, 64, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    given = [saturated(format, seed) for seed in range(40)]
    with TensorRtSession(catalogue.find("srvgg-24x8", np.float16), format, slots=4) as session:
        alone = []
        for frame in given:
            done = session.collect(session.submit(frame))
            alone.append([plane.copy() for plane in done.planes])
            done.release()
        tickets: list[object] = []
        together = []
        for frame in given + [None] * 4:
            if len(tickets) == 4 or frame is None:
                done = session.collect(tickets.pop(0))
                together.append([plane.copy() for plane in done.planes])
                done.release()
            if frame is not None:
                tickets.append(session.submit(frame))
    assert len(together) == len(alone)
    for a, b in zip(alone, together, strict=True):
        assert all((x == y).all() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("order", ["rgb", "y"])
def test_frames_with_alpha_do_not_meet_in_their_slots(tmp_path: Path, order: str) -> None:
    path = tmp_path / "nearest.onnx"
    path.write_bytes(synthetic.nearest(np.float16, channels=len(order)).SerializeToString())
    format = FrameFormat(132, 75, PIXEL_FORMATS["yuva420p10le"], Colour(1, False))
    result = replace(format, pixel=PIXEL_FORMATS["yuva420p"]).enlarged(2)
    given = [saturated(format, seed) for seed in range(20)]
    with TensorRtSession(inspect(path), format, result, slots=3) as session:
        tickets: list[object] = []
        for number, frame in enumerate(given + [None] * 3):
            if len(tickets) == 3 or frame is None:
                done = session.collect(tickets.pop(0))
                expected = oracle(given[number - 3], result, enlarge=2, luma=order == "y")
                assert worst(done.planes, expected, 0) <= 1
                done.release()
            if frame is not None:
                tickets.append(session.submit(frame))


def test_submit_waits_for_a_slot_and_abort_wakes_it(frame: Frame) -> None:
    outcome: list[type[BaseException]] = []
    with TensorRtSession(catalogue.find("identity", np.float16), frame.format, slots=2) as session:
        held = [session.collect(session.submit(frame)) for _ in range(2)]

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
        del held
    assert outcome == [Aborted]


class TestTheEngineCache:
    @pytest.fixture
    def model(self) -> ModelSpec:
        return catalogue.find("srvgg-24x8", np.float16)

    def test_an_engine_is_built_once(
        self, tmp_path: Path, model: ModelSpec, frame: Frame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = EngineCache(tmp_path)
        TensorRtSession(model, frame.format, cache=cache).close()
        monkeypatch.setattr("pipeline.superres.gpu.tensorrt.engine.build", None)
        TensorRtSession(model, frame.format, cache=cache).close()

    def test_a_broken_engine_is_built_anew_with_one_line_said(
        self, tmp_path: Path, model: ModelSpec, frame: Frame, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache = EngineCache(tmp_path)
        TensorRtSession(model, frame.format, cache=cache).close()
        (engine,) = tmp_path.glob("*.engine")
        engine.write_bytes(engine.read_bytes()[:1000])
        TensorRtSession(model, frame.format, cache=cache).close()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "building it anew" in caplog.text

    def test_another_size_is_another_engine(self, tmp_path: Path, model: ModelSpec, frame: Frame) -> None:
        cache = EngineCache(tmp_path)
        for width in (32, 64):
            TensorRtSession(model, replace(frame.format, width=width), cache=cache).close()
        assert len(list(tmp_path.glob("*.engine"))) == 2


def test_no_slot_is_lost_over_many_frames(frame: Frame) -> None:
    with TensorRtSession(catalogue.find("identity", np.float16), frame.format, slots=3) as session:
        for _ in range(500):
            session.collect(session.submit(frame)).release()
        assert session._ring.free == 3

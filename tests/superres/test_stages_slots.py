"""Repeated frames in a running pipeline around a session with few slots, on a fake GPU."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Never

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import Cancelled
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.repeats import RepeatDetector
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, open_session
from pipeline.superres.stages import Collect, Submit
from tests.frames import noise
from tests.superres.fake_gpu import FakeGpu, FakePasses
from tests.superres.fake_gpu import gpu as gpu

Outputs = list[tuple[int, int]]
ORDERS = {
    "a still scene": [0] * 60,
    "a still scene between two moving ones": [*range(8), *[8] * 60, *range(9, 17)],
    "a padded rate": [number * 2 // 5 for number in range(60)],
    "a moving scene": list(range(30)),
}


class KeepsFrames(Stage[Frame, Never]):
    """Releases a frame some frames after it came, as an encoder with threads does.

    Attributes:
        outputs: Time and first sample of each frame, read when it is released.
    """

    def __init__(self, keeps: int) -> None:
        self._keeps = keeps
        self._kept: deque[Frame] = deque()
        self.outputs: Outputs = []

    def feed(self, item: Frame) -> Iterator[Never]:
        self._kept.append(item)
        self._release_all_but(self._keeps)
        yield from ()

    def finish(self) -> Iterator[Never]:
        self._release_all_but(0)
        yield from ()

    def close(self) -> None:
        self._release_all_but(0)

    def _release_all_but(self, count: int) -> None:
        while len(self._kept) > count:
            frame = self._kept.popleft()
            self.outputs.append((frame.pts, int(frame.planes[0][0, 0])))
            frame.release()


def frames(format: FrameFormat, order: list[int]) -> Iterator[Frame]:
    for pts, seed in enumerate(order):
        yield replace(noise(format, seed), pts=pts)


def pipeline_of(source: Iterator[Frame], session: Session[Any], repeats: RepeatDetector, last: KeepsFrames) -> Pipeline:
    stages: dict[str, Stage[Any, Any]] = {
        "submit": Submit(session, repeats),
        "upscale": Collect(session),
        "encode": last,
    }
    return Pipeline(source, stages, capacity=1)


def opened(format: FrameFormat, slots: int, devices: tuple[int, ...] = (0,)) -> Session[Any]:
    model = catalogue.find("identity", np.float16)
    return open_session(SessionRequest("tensorrt", model, format, Settings(slots=slots, device=devices)))


@pytest.mark.parametrize("devices", [(0,), (0, 1)])
@pytest.mark.parametrize(("slots", "keeps"), [(2, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_no_run_of_repeated_frames_uses_up_the_slots(
    gpu: FakeGpu, small_format: FrameFormat, order: list[int], slots: int, keeps: int, devices: tuple[int, ...]
) -> None:
    repeats, last = RepeatDetector(), KeepsFrames(keeps)
    with opened(small_format, slots, devices) as session:
        pipeline = pipeline_of(frames(small_format, order), session, repeats, last)
        pipeline.start()
        pipeline.wait()
        assert session.slots == (slots * len(devices), slots * len(devices))
    assert gpu.open_buffers == 0
    assert len(FakePasses.calls) == len(set(order)) == len(order) - repeats.repeated
    assert last.outputs == [
        (pts, 255 - int(noise(small_format, seed).planes[0][0, 0])) for pts, seed in enumerate(order)
    ]


def test_an_aborted_pipeline_gives_all_slots_back(gpu: FakeGpu, small_format: FrameFormat) -> None:
    def source() -> Iterator[Frame]:
        for frame in frames(small_format, [0] * 20 + [1] * 20):
            if frame.pts == 30:
                pipeline.abort()
            yield frame

    with opened(small_format, slots=2) as session:
        pipeline = pipeline_of(source(), session, RepeatDetector(), KeepsFrames(1))
        pipeline.start()
        with pytest.raises(Cancelled):
            pipeline.wait()
    assert gpu.open_buffers == 0

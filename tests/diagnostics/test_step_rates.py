"""The steps around a network, on streams that record what is queued; and a session in one thread."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.diagnostics.step_rates import PassLane, SessionLane, noise
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from tests.frames import format_of

FORMAT = FrameFormat(32, 16, PIXEL_FORMATS["yuv420p"], Colour(1, False))


class RecordingGpu:
    """A GPU whose streams record what is queued on them.

    Attributes:
        queued: (name of the stream, what was queued).
        open: Number of buffers that are not freed.
    """

    def __init__(self) -> None:
        self.queued: list[tuple[str, str]] = []
        self.open = 0
        self._names = iter(["copy in", "copy out"])
        self._events = iter(["uploaded", "converted", "computed", "downloaded"])

    def stream(self, name: str | None = None) -> Any:
        own = name or next(self._names)
        return SimpleNamespace(
            name=own,
            record=lambda event: self.queued.append((own, f"record {event}")),
            wait=lambda event: self.queued.append((own, f"wait {event}")),
            sync=lambda: None,
        )

    def event(self) -> str:
        return next(self._events)

    def allocate(self, size: int, stream: Any) -> Any:
        self.open += 1
        return SimpleNamespace(
            handle=size,
            copy_from=lambda buffer, stream: self.queued.append((stream.name, "upload")),
            copy_to=lambda buffer, stream: self.queued.append((stream.name, "download")),
            close=lambda stream: self._free(),
        )

    def pinned(self, size: int) -> Any:
        self.open += 1
        return SimpleNamespace(array=np.empty(size, np.uint8), buffer=None, close=self._free)

    def _free(self) -> None:
        self.open -= 1


def queued(gpu: RecordingGpu, steps: int) -> list[tuple[str, str]]:
    """What a lane with `steps` steps queues for a frame."""
    stream = gpu.stream("compute")
    tensor = SimpleNamespace(handle=0)

    def kernel(name: str) -> Any:
        return lambda stream, source, target: gpu.queued.append((stream.name, name))

    lane: Any = SimpleNamespace(stream=stream, input=tensor, output=tensor)
    lane.run = lambda: gpu.queued.append(("compute", "network"))
    kernels: Any = SimpleNamespace(to_tensor=kernel("to_rgb"), from_rgb=kernel("from_rgb"))
    fake: Any = gpu
    passes = PassLane(fake, lane, kernels, (format_of("gray", (4, 2)), format_of("gray", (8, 4))), steps)
    gpu.queued.clear()
    passes.run()
    passes.close()
    assert gpu.open == 0
    return gpu.queued


def work(entries: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What takes time: no events."""
    return [entry for entry in entries if not entry[1].startswith(("record", "wait"))]


NETWORK = ("compute", "network")
TO_RGB, FROM_RGB = ("compute", "to_rgb"), ("compute", "from_rgb")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (0, [NETWORK]),
        (1, [TO_RGB, NETWORK]),
        (2, [TO_RGB, NETWORK, FROM_RGB]),
        (3, [("copy in", "upload"), TO_RGB, NETWORK, FROM_RGB, ("copy out", "download")]),
    ],
)
def test_each_step_is_added_to_those_before(steps: int, expected: list[tuple[str, str]]) -> None:
    assert work(queued(RecordingGpu(), steps)) == expected


def test_copies_wait_for_the_kernels_that_use_their_memory() -> None:
    entries = queued(RecordingGpu(), 3)
    order = {entry: index for index, entry in enumerate(entries)}
    assert order["copy in", "wait converted"] < order["copy in", "upload"] < order["copy in", "record uploaded"]
    assert order["compute", "wait uploaded"] < order[TO_RGB] < order["compute", "record converted"]
    assert order["compute", "wait downloaded"] < order[FROM_RGB] < order["compute", "record computed"]
    assert order["copy out", "wait computed"] < order["copy out", "download"]


def test_a_session_in_one_thread_has_as_many_frames_in_flight_as_allowed() -> None:
    in_flight, most = 0, 0

    def submit(frame: Any) -> int:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        return in_flight

    def release() -> None:
        nonlocal in_flight
        in_flight -= 1

    session: Any = SimpleNamespace(submit=submit, collect=lambda ticket: SimpleNamespace(release=release))
    lane = SessionLane(session, noise(FORMAT), 3)
    for _ in range(9):
        lane.run()
    assert (in_flight, most) == (3, 3)
    lane.sync()
    assert in_flight == 0

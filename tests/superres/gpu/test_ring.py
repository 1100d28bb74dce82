"""The ring of slots, without a GPU: room for frames is given out, taken back, and nobody waits for ever."""

from typing import Any

import numpy as np
import pytest

from pipeline.flow.blocking import Aborted
from pipeline.frame import FrameFormat
from pipeline.superres.gpu.ring import SlotRing


class FakeBuffer:
    def __init__(self, owner: "FakeGpu", size: int) -> None:
        self._owner = owner
        self.array = np.zeros(size, np.uint8)
        owner.open += 1

    def close(self, stream: Any = None) -> None:
        self._owner.open -= 1


class FakeGpu:
    def __init__(self, room: int = 1000) -> None:
        self.open = 0
        self._room = room

    def allocate(self, size: int, stream: Any) -> FakeBuffer:
        return self.pinned(size)

    def pinned(self, size: int) -> FakeBuffer:
        if self.open >= self._room:
            raise MemoryError("full")
        return FakeBuffer(self, size)

    def event(self, timed: bool = False) -> object:
        return object()


def ring(gpu: FakeGpu, format: FrameFormat, count: int) -> SlotRing:
    return SlotRing(gpu, None, format, format, count)  # type: ignore[arg-type]


def test_slots_go_round(small_format: FrameFormat) -> None:
    slots = ring(FakeGpu(), small_format, 2)
    first, second = slots.take(), slots.take()
    assert slots.free == 0
    slots.give_back(first)
    assert slots.take() is first
    assert second is not first


def test_abort_ends_the_wait_for_a_slot(small_format: FrameFormat) -> None:
    slots = ring(FakeGpu(), small_format, 1)
    slots.abort()
    with pytest.raises(Aborted):
        slots.take()


def test_a_frame_released_after_the_abort_does_no_harm(small_format: FrameFormat) -> None:
    slots = ring(FakeGpu(), small_format, 1)
    slot = slots.take()
    slots.abort()
    slots.give_back(slot)


def test_close_frees_everything(small_format: FrameFormat) -> None:
    gpu = FakeGpu()
    slots = ring(gpu, small_format, 3)
    assert gpu.open == 12
    slots.close()
    assert gpu.open == 0


def test_what_was_taken_is_freed_when_there_is_no_room_for_the_rest(small_format: FrameFormat) -> None:
    gpu = FakeGpu(room=10)
    with pytest.raises(MemoryError):
        ring(gpu, small_format, 3)
    assert gpu.open == 0

"""The ring of slots, with a fake GPU."""

from typing import Any

import numpy as np
import pytest

from pipeline.flow.blocking import Aborted
from pipeline.frame import FrameFormat
from pipeline.superres.gpu.ring import TRACE_EVENTS, SlotOptions, SlotRing


class CountedBuffer:
    """A buffer that its GPU counts."""

    def __init__(self, owner: "LimitedGpu", size: int) -> None:
        self._owner = owner
        self.handle = 4096
        self.array = np.zeros(size, np.uint8)
        owner.open_buffers += 1

    def close(self, stream: Any = None) -> None:
        self._owner.open_buffers -= 1


class LimitedGpu:
    """A GPU with memory for a limited number of buffers."""

    def __init__(self, most: int = 1000) -> None:
        self.open_buffers = 0
        self._most = most

    def allocate(self, size: int, stream: Any) -> CountedBuffer:
        return self.pinned(size)

    def pinned(self, size: int) -> CountedBuffer:
        if self.open_buffers >= self._most:
            raise MemoryError("full")
        return CountedBuffer(self, size)

    def event(self, timed: bool = False) -> object:
        return object()


def make_ring(gpu: Any, format: FrameFormat, count: int, timed: bool = False) -> SlotRing:
    stream: Any = None
    return SlotRing(gpu, stream, format, format, count, SlotOptions(timed))


def test_a_slot_that_was_given_back_is_handed_out_again(small_format: FrameFormat) -> None:
    ring = make_ring(LimitedGpu(), small_format, 2)
    first, second = ring.take(), ring.take()
    assert ring.free == 0
    ring.give_back(first)
    assert ring.take() is first
    assert second is not first


def test_planes_are_views_of_the_pinned_memory(small_format: FrameFormat) -> None:
    slot = make_ring(LimitedGpu(), small_format, 1).take()
    assert slot.host_in is not None
    slot.input_planes[0].fill(7)
    assert (slot.host_in.array[: slot.input_planes[0].size] == 7).all()
    assert [plane.shape for plane in slot.output_planes] == list(small_format.plane_shapes)


def test_slots_of_frames_that_stay_on_the_gpu_have_no_host_memory(small_format: FrameFormat) -> None:
    gpu, stream = LimitedGpu(), None
    ring = SlotRing(gpu, stream, small_format, small_format, 3, SlotOptions(on_device=True))  # type: ignore[arg-type]
    slot = ring.take()
    assert (slot.host_in, slot.host_out, slot.input_planes, slot.output_planes) == (None, None, (), ())
    assert gpu.open_buffers == 2 * 3
    ring.close()
    assert gpu.open_buffers == 0


def test_slots_have_trace_events_only_if_they_are_timed(small_format: FrameFormat) -> None:
    assert make_ring(LimitedGpu(), small_format, 1).take().trace_events == {}
    assert tuple(make_ring(LimitedGpu(), small_format, 1, timed=True).take().trace_events) == TRACE_EVENTS


def test_abort_ends_the_wait_for_a_slot(small_format: FrameFormat) -> None:
    ring = make_ring(LimitedGpu(), small_format, 1)
    ring.abort()
    with pytest.raises(Aborted):
        ring.take()


def test_a_frame_can_be_released_after_the_abort(small_format: FrameFormat) -> None:
    ring = make_ring(LimitedGpu(), small_format, 1)
    slot = ring.take()
    ring.abort()
    ring.give_back(slot)


def test_close_frees_all_buffers(small_format: FrameFormat) -> None:
    gpu = LimitedGpu()
    ring = make_ring(gpu, small_format, 3)
    assert gpu.open_buffers == 12
    ring.close()
    assert gpu.open_buffers == 0


def test_buffers_are_freed_if_there_is_not_enough_memory_for_all(small_format: FrameFormat) -> None:
    gpu = LimitedGpu(most=10)
    with pytest.raises(MemoryError):
        make_ring(gpu, small_format, 3)
    assert gpu.open_buffers == 0

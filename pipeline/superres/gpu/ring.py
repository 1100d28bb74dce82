"""The ring of buffers that frames travel through on their way over the bus and back.

A slot is free → filling (the submitter writes its pinned input) → running (the GPU owns it) → done (the collector
saw its last event; its pinned output is being read) → free, when the frame that lies in it is released.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.frame import FrameFormat, Plane
from pipeline.system.cuda import Gpu, PinnedBuffer

if TYPE_CHECKING:
    from cuda.core import Buffer, Event, Stream

MARKS = ("upload", "compute", "to_rgb", "network", "from_rgb", "download")


@dataclass
class Slot:
    """Room for one packed frame, in and out, on both sides of the bus, and the events that order its steps.

    given, made: the planes of the frame in host_in, and of that in host_out. marks: further events that only a trace
    wants, by name.
    """

    host_in: PinnedBuffer
    device_in: Buffer
    device_out: Buffer
    host_out: PinnedBuffer
    uploaded: Event
    computed: Event
    downloaded: Event
    marks: dict[str, Event]
    given: tuple[Plane, ...]
    made: tuple[Plane, ...]


class SlotRing:
    """`count` slots, given out as they become free."""

    def __init__(
        self, gpu: Gpu, stream: Stream, source: FrameFormat, result: FrameFormat, count: int, timed: bool = False
    ) -> None:
        self._free: Channel[Slot] = Channel(count)
        with ExitStack() as memory:
            self.slots = [_slot(gpu, stream, source, result, memory, timed) for _ in range(count)]
            self._memory = memory.pop_all()
        for slot in self.slots:
            self._free.put(slot)

    def take(self) -> Slot:
        """A free slot; waits for one. Raises Aborted after `abort`."""
        return self._free.get()

    def give_back(self, slot: Slot) -> None:
        with suppress(Aborted):  # a frame may be released long after the work was called off
            self._free.put(slot)

    @property
    def free(self) -> int:
        return len(self._free)

    def abort(self) -> None:
        """Wake whoever waits for a slot: none will come."""
        self._free.abort()

    def close(self) -> None:
        """Free the memory; nothing may be under way."""
        self.slots.clear()
        self._memory.close()


def _slot(gpu: Gpu, stream: Stream, source: FrameFormat, result: FrameFormat, memory: ExitStack, timed: bool) -> Slot:
    """A slot whose memory is freed with `memory`; `timed`: its events, and some between them, know their time."""

    def pinned(size: int) -> PinnedBuffer:
        room = gpu.pinned(size)
        memory.callback(room.close)
        return room

    def on_device(size: int) -> Buffer:
        room = gpu.allocate(size, stream)
        memory.callback(room.close, stream)
        return room

    host_in, host_out = pinned(source.bytes), pinned(result.bytes)
    return Slot(
        host_in=host_in,
        device_in=on_device(source.bytes),
        device_out=on_device(result.bytes),
        host_out=host_out,
        uploaded=gpu.event(timed),
        computed=gpu.event(timed),
        downloaded=gpu.event(timed),
        marks={name: gpu.event(timed) for name in MARKS} if timed else {},
        given=source.split(host_in.array),
        made=result.split(host_out.array),
    )

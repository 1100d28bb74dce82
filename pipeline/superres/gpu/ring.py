"""The ring of slots: buffers for the frames that are in flight between the host and the GPU.

A slot is free, then filling (the submitting thread writes its pinned input), running (the GPU uses it), done (its last
event has completed, and its pinned output is being read), and free again once the frame in it is released.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.superres.gpu.samples import Samples, packed_samples
from pipeline.system.cuda import Gpu, PinnedBuffer

if TYPE_CHECKING:
    from cuda.core import Buffer, Event, Stream

TRACE_EVENTS = ("upload", "compute", "to_rgb", "network", "from_rgb", "download")


@dataclass
class Slot:
    """Buffers for one packed frame before and after upscaling, and the events that order the work on it.

    Attributes:
        host_in: Pinned host memory of the source frame; None if frames stay on the GPU.
        device_in: Device memory of the source frame.
        device_out: Device memory of the upscaled frame.
        host_out: Pinned host memory of the upscaled frame; None if frames stay on the GPU.
        samples: The samples in `device_in`.
        uploaded: Recorded after the copy to `device_in`.
        computed: Recorded after the last kernel.
        downloaded: Recorded after the copy to `host_out`.
        trace_events: Further events by name, for a trace; empty without one.
        input_planes: Views of the planes in `host_in`, if there is one.
        output_planes: Views of the planes in `host_out`, if there is one.
        borrowed: The source frame, if it is in GPU memory: it is read there, and released after that.
    """

    host_in: PinnedBuffer | None
    device_in: Buffer
    device_out: Buffer
    host_out: PinnedBuffer | None
    samples: Samples
    uploaded: Event
    computed: Event
    downloaded: Event
    trace_events: dict[str, Event]
    input_planes: tuple[Plane, ...]
    output_planes: tuple[Plane, ...]
    borrowed: Frame | None = None

    def release_borrowed(self) -> None:
        """Release the source frame, if it is borrowed. No work on it may be in flight."""
        if self.borrowed is not None:
            self.borrowed.release()
            self.borrowed = None


@dataclass(frozen=True)
class SlotOptions:
    """Options of a ring.

    Attributes:
        timed: Events have timestamps, for a trace.
        on_device: Frames come from GPU memory and stay there: no host memory is allocated.
    """

    timed: bool = False
    on_device: bool = False


class SlotRing:
    """A fixed number of slots, handed out as they become free.

    Attributes:
        slots: All slots.
    """

    def __init__(
        self,
        gpu: Gpu,
        stream: Stream,
        source: FrameFormat,
        output: FrameFormat,
        count: int,
        options: SlotOptions | None = None,
    ) -> None:
        """Allocate the slots.

        Args:
            gpu: The GPU.
            stream: Stream for the allocations.
            source: Format of the source frames.
            output: Format of the upscaled frames.
            count: Number of slots.
            options: Further options; None for the defaults.

        Raises:
            OutOfMemory: There is not enough memory. What was allocated is freed.
        """
        self._free: Channel[Slot] = Channel(count)
        with ExitStack() as memory:
            self.slots = [
                _allocate(gpu, stream, source, output, memory, options or SlotOptions()) for _ in range(count)
            ]
            self._memory = memory.pop_all()
        for slot in self.slots:
            self._free.put(slot)

    def take(self) -> Slot:
        """Wait for a free slot. Raises Aborted after `abort`."""
        return self._free.get()

    def give_back(self, slot: Slot) -> None:
        """Make a slot free again."""
        with suppress(Aborted):  # a frame may be released long after the abort
            self._free.put(slot)

    @property
    def free(self) -> int:
        """Number of free slots."""
        return len(self._free)

    def abort(self) -> None:
        """Wake the threads that wait for a slot, with Aborted."""
        self._free.abort()

    def close(self) -> None:
        """Free the memory. No work may be in flight."""
        self.slots.clear()
        self._memory.close()


def _allocate(
    gpu: Gpu, stream: Stream, source: FrameFormat, output: FrameFormat, memory: ExitStack, options: SlotOptions
) -> Slot:
    """Allocate one slot, whose memory is freed with `memory`."""

    def pinned(size: int) -> PinnedBuffer | None:
        if options.on_device:
            return None
        buffer = gpu.pinned(size)
        memory.callback(buffer.close)
        return buffer

    def on_device(size: int) -> Buffer:
        buffer = gpu.allocate(size, stream)
        memory.callback(buffer.close, stream)
        return buffer

    host_in, host_out = pinned(source.bytes), pinned(output.bytes)
    device_in = on_device(source.bytes)
    return Slot(
        host_in=host_in,
        device_in=device_in,
        device_out=on_device(output.bytes),
        host_out=host_out,
        samples=packed_samples(source, int(device_in.handle)),
        uploaded=gpu.event(options.timed),
        computed=gpu.event(options.timed),
        downloaded=gpu.event(options.timed),
        trace_events={name: gpu.event(options.timed) for name in TRACE_EVENTS} if options.timed else {},
        input_planes=source.split(host_in.array) if host_in else (),
        output_planes=output.split(host_out.array) if host_out else (),
    )

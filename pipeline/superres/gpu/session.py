"""Upscaling with TensorRT, with copies and compute overlapped.

    submit                                                                          collect
    host_in ──▶ copy-in stream ──uploaded──▶ compute stream ──computed──▶ copy-out stream ──downloaded──▶ host_out
                host_in → device_in          passes.py                    device_out → host_out

While slot k computes, slot k+1 uploads and slot k-1 downloads. There is a compute stream for each context, and frames
alternate between them, which fills the gaps at the end of each network. In the steady state nothing is allocated and
nothing waits for the complete device: `collect` sleeps on the last event of the oldest slot.

A session owns its slots and copies. The computation (compute.py) may be shared by several sessions.

Frames that don't fit into the memory budget pass through the network in tiles. If memory runs out later, the tiles
become smaller; a submitted frame stays in its slot, so none is lost.

The steps of a CUDA program, and where they are:
 1. bind a handle                Compute (device), Network (runtime, engine), Lane (context)
 2. allocate device memory       SlotRing (frames), Lane (tensors)
 3. check type, shape and order  `check_frame` for each frame, Network for the engine
 4. copy in                      `submit`: to host_in, then host_in → device_in; frames of NVDEC within the GPU
 5. configure                    Lane: shape and addresses, once
 6. run                          `submit` → Compute.queue → Passes → Lane.run
 7. copy out                     `submit` queues device_out → host_out, `collect` waits for it
 8. convert                      launch.ConversionKernels, on the compute stream around the network
 9. free                         Frame.release → SlotRing.give_back; `close` → Compute.leave for the rest
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BackendError
from pipeline.flow.telemetry import Trace
from pipeline.frame import Frame
from pipeline.superres.gpu.compute import Compute
from pipeline.superres.gpu.gpu_trace import GpuTrace
from pipeline.superres.gpu.passes import Passes
from pipeline.superres.gpu.ring import Slot, SlotRing
from pipeline.superres.session import Session, check_frame
from pipeline.superres.tiling import Tiling
from pipeline.system.cuda import gpu_errors

if TYPE_CHECKING:
    from cuda.core import Event, Stream

log = logging.getLogger(__name__)

_BORROWED = 2  # NVDEC surfaces that may be held while they are copied
_SUBMITTING, _COLLECTING = gpu_errors("submitting a frame"), gpu_errors("collecting a frame")


@dataclass(frozen=True)
class SlotTicket:
    """Ticket of a frame.

    Attributes:
        slot: The slot that holds the frame.
        lane: Number of the lane that computes it.
        pts: Presentation time of the frame.
        duration: Duration of the frame.
    """

    slot: Slot
    lane: int
    pts: int
    duration: int


class TensorRtSession(Session[SlotTicket]):
    """A session on a GPU."""

    def __init__(self, compute: Compute, slots: int = 10, trace: Trace | None = None) -> None:
        """Open a session.

        Args:
            compute: The computation, which several sessions may share; the last one to close frees its memory.
            slots: Largest number of frames in flight; fewer if the memory budget is small.
            trace: Where copies and kernels are recorded; None for nowhere.

        Raises:
            BackendError, OutOfMemory, ModelError: The session can't be opened. All resources are released.
        """
        super().__init__(compute.model, compute.source, compute.output)
        self._compute = compute
        self._gate = compute.gate()
        self._gpu = compute.gpu
        self._gpu.make_current()
        self._copy_in, self._copy_out = self._gpu.stream(), self._gpu.stream()
        self._borrowed: deque[tuple[Event, Frame]] = deque()
        self._trace = GpuTrace(self._gpu, trace) if trace else None
        with ExitStack() as resources, gpu_errors("starting the session"):
            slots = compute.join(slots)
            resources.callback(compute.leave, slots)
            self._ring = SlotRing(self._gpu, self._copy_in, self.source, self.output, slots, timed=trace is not None)
            resources.callback(self._ring.close)
            compute.prepare()
            self._resources = resources.pop_all()

    @property
    def slots(self) -> tuple[int, int]:
        return len(self._ring.slots), self._ring.free

    @property
    def tiling(self) -> Tiling:
        """The tiling of frames at present."""
        return self._compute.tiling

    @property
    def backend(self) -> str:
        return self._compute.backend

    def submit(self, frame: Frame) -> SlotTicket:
        check_frame(frame, self)
        self._gpu.ensure_current()
        slot = self._ring.take()
        with _SUBMITTING:
            self._upload(slot, frame)
        lane = self._compute.queue(self._gate, partial(self._queue_passes, slot))
        with _SUBMITTING:
            self._queue_download(slot)
        return SlotTicket(slot, lane, frame.pts, frame.duration)

    def collect(self, ticket: SlotTicket) -> Frame:
        self._gpu.ensure_current()
        slot = ticket.slot
        with _COLLECTING:
            slot.downloaded.sync()
            if self._trace:
                self._trace.collect(slot, ticket.lane, ticket.pts, self._compute.title)
        release = partial(self._ring.give_back, slot)
        return Frame(self.output, slot.output_planes, ticket.pts, ticket.duration, release)

    def queue_network(self, frames: int) -> None:
        self._gpu.ensure_current()
        for _ in range(frames):
            self._compute.queue(self._gate, Passes.queue_network)

    def sync(self) -> None:
        self._compute.sync()

    def abort(self) -> None:
        self._ring.abort()
        self._gate.abort()

    def close(self) -> None:
        self._gpu.make_current()
        try:
            with gpu_errors("closing the session"):
                self._copy_in.sync()
                self._compute.sync()
                self._copy_out.sync()
                while self._borrowed:
                    self._borrowed.popleft()[1].release()
                self._resources.close()
                self._copy_in.sync()
        except BackendError as error:  # after a fault nothing can be freed; the fault itself is the error to raise
            log.warning("%s", error)

    def _upload(self, slot: Slot, frame: Frame) -> None:
        """Copy the frame's samples to the slot, queue their copy to the GPU, and release the frame."""
        self._mark(slot, "upload", self._copy_in)
        if frame.device_planes:
            self._gpu.wait_for_decoder(self._copy_in)
            address, size = int(slot.device_in.handle), self.source.pixel.dtype.itemsize
            for plane, (rows, columns) in zip(frame.device_planes, self.source.plane_shapes, strict=True):
                self._gpu.copy_plane(self._copy_in, address, columns * size, plane, columns * size, rows)
                address += rows * columns * size
        else:
            for packed, samples in zip(slot.input_planes, frame.planes, strict=True):
                np.copyto(packed, samples)
            slot.device_in.copy_from(slot.host_in.buffer, stream=self._copy_in)
        self._copy_in.record(slot.uploaded)
        if frame.device_planes:
            self._hold_until_copied(slot, frame)
        else:
            frame.release()

    def _hold_until_copied(self, slot: Slot, frame: Frame) -> None:
        """Release frames of NVDEC once they were copied, and at the latest a few frames later."""
        self._borrowed.append((slot.uploaded, frame))
        while self._borrowed and (self._borrowed[0][0].is_done or len(self._borrowed) > _BORROWED):
            uploaded, oldest = self._borrowed.popleft()
            uploaded.sync()
            oldest.release()

    def _queue_passes(self, slot: Slot, passes: Passes) -> None:
        """Queue the kernels and the network for the frame in `slot`."""
        passes.stream.wait(slot.uploaded)
        self._mark(slot, "compute", passes.stream)
        mark = partial(self._trace.mark, slot, stream=passes.stream) if self._trace else None
        passes.queue(int(slot.device_in.handle), int(slot.device_out.handle), mark)
        passes.stream.record(slot.computed)

    def _queue_download(self, slot: Slot) -> None:
        """Queue the copy of the upscaled frame to the host."""
        self._copy_out.wait(slot.computed)
        self._mark(slot, "download", self._copy_out)
        slot.device_out.copy_to(slot.host_out.buffer, stream=self._copy_out)
        self._copy_out.record(slot.downloaded)

    def _mark(self, slot: Slot, name: str, stream: Stream) -> None:
        """Record one of the slot's trace events, if there is a trace."""
        if self._trace:
            self._trace.mark(slot, name, stream)

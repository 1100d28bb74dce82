"""Upscaling with TensorRT, with copies and compute overlapped.

    submit                                                                          collect
    host_in ──▶ copy-in stream ──uploaded──▶ compute stream ──computed──▶ copy-out stream ──downloaded──▶ host_out
                host_in → device_in          passes.py                    device_out → host_out

While slot k computes, slot k+1 uploads and slot k-1 downloads. There is a compute stream for each context, and frames
use them in turn, which fills the gaps at the end of each network. In the steady state nothing is allocated and
nothing waits for the complete device: `collect` sleeps on the last event of the oldest slot.

A session owns its slots and copies. The computation (compute.py) may be shared by several sessions.

Frames that don't fit into the memory budget pass through the network in tiles. If memory runs out later, the tiles
become smaller; a submitted frame stays in its slot, so none is lost.

The steps of a CUDA program, and where they are:
 1. bind a handle                Compute (device), Network (runtime, engine), Lane (context)
 2. allocate device memory       SlotRing (frames), Lane (tensors)
 3. check type, shape and order  `check_frame` for each frame, Network for the engine
 4. copy in                      `submit`: to host_in, then host_in → device_in; frames of NVDEC are read where they
                                 are, those of other libraries copied within the GPU (DeviceSession)
 5. configure                    Lane: shape and addresses, once
 6. run                          `submit` → Compute.queue → Passes → Lane.run
 7. copy out                     `submit` queues device_out → host_out, `collect` waits for it
 8. convert                      launch.ConversionKernels, on the compute stream around the network
 9. free                         Frame.release → SlotRing.give_back; `close` → Compute.leave for the rest
"""

from __future__ import annotations

import logging
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
from pipeline.superres.gpu.ring import Slot, SlotOptions, SlotRing
from pipeline.superres.gpu.samples import Samples, decoder_samples
from pipeline.superres.session import Session, check_frame
from pipeline.superres.tiling import Tiling
from pipeline.system.cuda import gpu_errors

if TYPE_CHECKING:
    from cuda.core import Event, Stream

log = logging.getLogger(__name__)

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

    _on_device = False  # host memory for frames is not needed

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
        self._trace = GpuTrace(self._gpu, trace) if trace else None
        with ExitStack() as resources, gpu_errors("starting the session"):
            slots = compute.join(slots)
            resources.callback(compute.leave, slots)
            options = SlotOptions(timed=trace is not None, on_device=self._on_device)
            self._ring = SlotRing(self._gpu, self._copy_in, self.source, self.output, slots, options)
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
            samples, available = self._receive(slot, frame)
        lane = self._compute.queue(self._gate, partial(self._queue_passes, slot, samples, available))
        with _SUBMITTING:
            self._queue_download(slot)
        return SlotTicket(slot, lane, frame.pts, frame.duration)

    def collect(self, ticket: SlotTicket) -> Frame:
        self._gpu.ensure_current()
        slot = ticket.slot
        with _COLLECTING:
            slot.downloaded.sync()
            slot.release_borrowed()
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
                for slot in self._ring.slots:
                    slot.release_borrowed()
                self._resources.close()
                self._copy_in.sync()
        except BackendError as error:  # after a fault nothing can be freed; the fault itself is the error to raise
            log.warning("%s", error)

    def _receive(self, slot: Slot, frame: Frame) -> tuple[Samples, Event]:
        """Make a frame's samples available to the kernels, and release it after that.

        Returns:
            The samples on the GPU, and the event after which they are there.
        """
        return self._borrow(slot, frame) if frame.device_planes else self._upload(slot, frame)

    def _upload(self, slot: Slot, frame: Frame) -> tuple[Samples, Event]:
        """Copy the frame's samples to the slot, queue their copy to the GPU, and release the frame."""
        self._mark(slot, "upload", self._copy_in)
        assert slot.host_in is not None
        for packed, samples in zip(slot.input_planes, frame.planes, strict=True):
            np.copyto(packed, samples)
        slot.device_in.copy_from(slot.host_in.buffer, stream=self._copy_in)
        self._copy_in.record(slot.uploaded)
        frame.release()
        return slot.samples, slot.uploaded

    def _borrow(self, slot: Slot, frame: Frame) -> tuple[Samples, Event]:
        """Keep a frame of NVDEC until it is upscaled."""
        slot.borrowed = frame
        self._mark(slot, "upload", self._copy_in)
        if self._trace:  # there is no copy: an empty span
            self._copy_in.record(slot.uploaded)
        return decoder_samples(self.source, frame.device_planes), frame.decoded or self._gpu.decoded_event()

    def _queue_passes(self, slot: Slot, samples: Samples, available: Event, passes: Passes) -> None:
        """Queue the kernels and the network for the frame in `slot`, once its samples are available."""
        passes.stream.wait(available)
        self._mark(slot, "compute", passes.stream)
        mark = partial(self._trace.mark, slot, stream=passes.stream) if self._trace else None
        passes.queue(samples, int(slot.device_out.handle), mark)
        passes.stream.record(slot.computed)

    def _queue_download(self, slot: Slot) -> None:
        """Queue the copy of the upscaled frame to the host."""
        self._copy_out.wait(slot.computed)
        self._mark(slot, "download", self._copy_out)
        assert slot.host_out is not None
        slot.device_out.copy_to(slot.host_out.buffer, stream=self._copy_out)
        self._copy_out.record(slot.downloaded)

    def _mark(self, slot: Slot, name: str, stream: Stream) -> None:
        """Record one of the slot's trace events, if there is a trace."""
        if self._trace:
            self._trace.mark(slot, name, stream)


class DeviceSession(TensorRtSession):
    """A session whose frames are in GPU memory of other libraries, and stay on the GPU.

    Frames are copied within the GPU after the work on CUDA's legacy default stream, and what is queued there later
    waits for that copy: the owner may write to a frame again on that stream as soon as it is submitted. Upscaled frames
    have `device_planes`, and are complete.
    """

    _on_device = True

    def collect(self, ticket: SlotTicket) -> Frame:
        self._gpu.ensure_current()
        slot = ticket.slot
        with _COLLECTING:
            slot.computed.sync()
            slot.release_borrowed()
        planes = self.output.device_planes(int(slot.device_out.handle))
        release = partial(self._ring.give_back, slot)
        return Frame(self.output, (), ticket.pts, ticket.duration, release, planes)

    def _receive(self, slot: Slot, frame: Frame) -> tuple[Samples, Event]:
        slot.borrowed = frame
        self._copy_in.wait(frame.decoded or self._gpu.decoded_event())
        targets = self.source.device_planes(int(slot.device_in.handle))
        for plane, to, (rows, _) in zip(frame.device_planes, targets, self.source.plane_shapes, strict=True):
            self._gpu.copy_plane(self._copy_in, to, plane, rows)
        self._copy_in.record(slot.uploaded)
        self._gpu.delay_default_stream(slot.uploaded)
        return slot.samples, slot.uploaded

    def _queue_download(self, slot: Slot) -> None:
        """Upscaled frames stay on the GPU."""

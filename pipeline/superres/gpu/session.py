"""Upscaling by TensorRT, copies and compute overlapped.

    submit                                                                          collect
    host_in ──▶ copy-in stream ──uploaded──▶ compute stream ──computed──▶ copy-out stream ──downloaded──▶ host_out
                host_in → device_in          passes.py                    device_out → host_out

While slot k computes, k+1 uploads and k-1 downloads. There are as many compute streams as contexts; frames alternate
between them, which fills the gaps at the end of each network. Nothing is allocated and nothing device-wide is waited
for once the session stands; `collect` sleeps on the oldest slot's last event, so a frame leaves when it is done.

Here is what a session has for itself: the slots and the copies. What computes, compute.py, may be shared by several.

What does not fit into the memory that may be used goes through the network in tiles. Where memory runs out all the
same, at the start or later, they become smaller; a frame that was submitted lies in its slot, so none is lost.

The nine steps of a CUDA library's use, and where they are:
 1. bind a handle                Compute (device), Network (runtime, engine), Lane (context)
 2. allocate device memory       SlotRing (frames), Lane (tensors)
 3. check type, shape and order  `check_frame` for each frame, Network for the engine
 4. copy in                      `submit`: into host_in, then host_in → device_in; NVDEC's frames within the GPU
 5. configure                    Lane: shape and addresses, once
 6. run                          `submit` → Compute.queue → Passes → Lane.run
 7. fetch                        `submit` queues device_out → host_out, `collect` waits for it
 8. convert                      launches.Conversions, on the compute stream around the network
 9. free                         Frame.release → SlotRing.give_back; `close`, Compute.leave for the rest
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
from pipeline.frame import Frame, FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.compute import Compute
from pipeline.superres.gpu.gpu_trace import GpuTrace
from pipeline.superres.gpu.passes import Passes
from pipeline.superres.gpu.ring import Slot, SlotRing
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.session import Session, check_frame
from pipeline.superres.tiling import Tiling
from pipeline.system.cuda import gpu_errors

if TYPE_CHECKING:
    from cuda.core import Event, Stream

log = logging.getLogger(__name__)

_BORROWED = 2  # surfaces of NVDEC's that may be held while they are copied
_SUBMITTING = "submitting a frame"


@dataclass(frozen=True)
class Running:
    """A ticket: the slot that the GPU works on, the lane that computes it, and the time of its frame."""

    slot: Slot
    lane: int
    pts: int
    duration: int


class TensorRtSession(Session[Running]):
    """`slots` frames under way at once, on `contexts` compute streams of GPU `device`.

    vram: how many bytes of GPU memory it may take; None: nearly all that is free. trace: where the spans of copies
    and kernels go. compute: what this session shares with others, made for the same model and formats; then device,
    flavour, contexts, cache and vram are those that it was made with.
    """

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        result: FrameFormat | None = None,
        device: int = 0,
        flavour: str = "auto",
        slots: int = 10,
        contexts: int = 2,
        cache: EngineCache | None = None,
        vram: int | None = None,
        trace: Trace | None = None,
        compute: Compute | None = None,
    ) -> None:
        super().__init__(model, source, result)
        self._compute = compute or Compute(model, source, self.result, device, flavour, contexts, cache, vram)
        self._gate = self._compute.gate()
        self._gpu = self._compute.gpu
        self._gpu.make_current()
        self._copy_in, self._copy_out = self._gpu.stream(), self._gpu.stream()
        self._borrowed: deque[tuple[Event, Frame]] = deque()
        self._trace = GpuTrace(self._gpu, trace) if trace else None
        with ExitStack() as resources, gpu_errors("starting the session"):
            slots = self._compute.join(slots)
            resources.callback(self._compute.leave, slots)
            self._ring = SlotRing(self._gpu, self._copy_in, self.source, self.result, slots, timed=trace is not None)
            resources.callback(self._ring.close)
            self._compute.prepare()
            self._resources = resources.pop_all()

    @property
    def slots(self) -> tuple[int, int]:
        return len(self._ring.slots), self._ring.free

    @property
    def tiling(self) -> Tiling:
        """How frames are cut at present."""
        return self._compute.tiling

    @property
    def backend(self) -> str:
        return self._compute.backend

    def submit(self, frame: Frame) -> Running:
        check_frame(frame, self)
        self._gpu.ensure_current()
        slot = self._ring.take()
        with gpu_errors(_SUBMITTING):
            self._fill(slot, frame)
        lane = self._compute.queue(self._gate, partial(self._pass, slot))
        with gpu_errors(_SUBMITTING):
            self._fetch(slot)
        return Running(slot, lane, frame.pts, frame.duration)

    def collect(self, ticket: Running) -> Frame:
        self._gpu.ensure_current()
        slot = ticket.slot
        with gpu_errors("collecting a frame"):
            slot.downloaded.sync()
            if self._trace:
                self._trace.collect(slot, ticket.lane, ticket.pts)
        return Frame(self.result, slot.made, ticket.pts, ticket.duration, partial(self._ring.give_back, slot))

    def queue(self, frames: int) -> None:
        self._gpu.ensure_current()
        for _ in range(frames):
            self._compute.queue(self._gate, Passes.network)

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
        except BackendError as error:  # after a fault nothing can be freed; what led here is the error to raise
            log.warning("%s", error)

    def _fill(self, slot: Slot, frame: Frame) -> None:
        """Bring the frame's samples into the slot's device_in, or queue that; and let go of the frame."""
        self._mark(slot, "upload", self._copy_in)
        if frame.device_planes:
            self._gpu.wait_for_decoder(self._copy_in)
            address, size = int(slot.device_in.handle), self.source.pixel.dtype.itemsize
            for plane, (rows, columns) in zip(frame.device_planes, self.source.plane_shapes, strict=True):
                self._gpu.copy_plane(self._copy_in, address, columns * size, plane, columns * size, rows)
                address += rows * columns * size
        else:
            for packed, samples in zip(slot.given, frame.planes, strict=True):
                np.copyto(packed, samples)
            slot.device_in.copy_from(slot.host_in.buffer, stream=self._copy_in)
        self._copy_in.record(slot.uploaded)
        if frame.device_planes:
            self._borrow(slot, frame)
        else:
            frame.release()

    def _borrow(self, slot: Slot, frame: Frame) -> None:
        """Give NVDEC's surfaces back as soon as they were copied, and no later than some frames after."""
        self._borrowed.append((slot.uploaded, frame))
        while self._borrowed and (self._borrowed[0][0].is_done or len(self._borrowed) > _BORROWED):
            uploaded, oldest = self._borrowed.popleft()
            uploaded.sync()
            oldest.release()

    def _pass(self, slot: Slot, passes: Passes) -> None:
        """Queue all that is done to the frame in `slot` between its copies."""
        passes.stream.wait(slot.uploaded)
        self._mark(slot, "compute", passes.stream)
        passes.queue(
            int(slot.device_in.handle),
            int(slot.device_out.handle),
            lambda name: self._mark(slot, name, passes.stream),
        )
        passes.stream.record(slot.computed)

    def _fetch(self, slot: Slot) -> None:
        """Queue the copy of what became of the frame."""
        self._copy_out.wait(slot.computed)
        self._mark(slot, "download", self._copy_out)
        slot.device_out.copy_to(slot.host_out.buffer, stream=self._copy_out)
        self._copy_out.record(slot.downloaded)

    def _mark(self, slot: Slot, name: str, stream: Stream) -> None:
        """Note, for a trace, when `stream` comes to where it is now."""
        if self._trace:
            self._trace.mark(slot, name, stream)

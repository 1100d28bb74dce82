"""Upscaling by TensorRT, copies and compute overlapped.

    submit                                                                          collect
    host_in ──▶ copy-in stream ──uploaded──▶ compute stream ──computed──▶ copy-out stream ──downloaded──▶ host_out
                host_in → device_in          passes.py                    device_out → host_out

While slot k computes, k+1 uploads and k-1 downloads. There are as many compute streams as contexts; frames alternate
between them, which fills the gaps at the end of each network. Nothing is allocated and nothing device-wide is waited
for once the session stands; `collect` sleeps on the oldest slot's last event, so a frame leaves when it is done.

What does not fit into the memory that may be used goes through the network in tiles. Where memory runs out all the
same, at the start or later, they become smaller; a frame that was submitted lies in its slot, so none is lost.

The nine steps of a CUDA library's use, and where they are:
 1. bind a handle                __init__ (device), Network (runtime, engine), Lane (context)
 2. allocate device memory       SlotRing (frames), Lane (tensors)
 3. check type, shape and order  `check_frame` for each frame, Network for the engine
 4. copy in                      `submit`: into host_in, then host_in → device_in; NVDEC's frames within the GPU
 5. configure                    Lane: shape and addresses, once
 6. run                          `submit` → Passes → Lane.run
 7. fetch                        `submit` queues device_out → host_out, `collect` waits for it
 8. convert                      kernels.ToRgb and FromRgb, on the compute stream around the network
 9. free                         Frame.release → SlotRing.give_back; `close` for the rest
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from pipeline.cuda import Gpu, failing
from pipeline.errors import BackendError, OutOfMemory
from pipeline.frame import Frame, FrameFormat, PixelFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.engine import EngineCache
from pipeline.superres.flavour import load
from pipeline.superres.kernels import FromRgb, ToRgb
from pipeline.superres.network import Network
from pipeline.superres.passes import Passes, rgb_bytes
from pipeline.superres.session import Session, check_frame
from pipeline.superres.slots import Slot, SlotRing
from pipeline.superres.tiling import Tiling, tilings
from pipeline.superres.tracing import GpuTrace
from pipeline.telemetry import Trace

if TYPE_CHECKING:
    from cuda.core import Event

log = logging.getLogger(__name__)

_SHARE_OF_FREE = 0.9  # of the GPU's free memory, where no budget was given: others may want some too
_LEAST_SLOTS = 3
_BORROWED = 2  # surfaces of NVDEC's that may be held while they are copied
_SHARE_OF_SLOTS = 0.25  # of the budget


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
    and kernels go.
    """

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        pixel: PixelFormat | None = None,
        device: int = 0,
        flavour: str = "auto",
        slots: int = 10,
        contexts: int = 2,
        cache: EngineCache | None = None,
        vram: int | None = None,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(model, source, pixel)
        self._flavour = load(flavour)
        self._gpu = Gpu(device)
        self._cache = cache or EngineCache()
        self._contexts = contexts
        self._budget = round(self._gpu.free * _SHARE_OF_FREE) if vram is None else vram
        self._to_rgb = ToRgb(self._gpu.device, self.source, model)
        self._from_rgb = FromRgb(self._gpu.device, self.result, model)
        self._copy_in, self._copy_out = self._gpu.stream(), self._gpu.stream()
        self._borrowed: deque[tuple[Event, Frame]] = deque()
        self._trace = GpuTrace(self._gpu, trace) if trace else None
        slots = min(slots, max(_LEAST_SLOTS, int(self._budget * _SHARE_OF_SLOTS) // self._slot_bytes))
        with ExitStack() as resources:
            self._ring = SlotRing(self._gpu, self._copy_in, self.source, self.result, slots, timed=trace is not None)
            resources.callback(self._ring.close)
            self._candidates = self._ways()
            self._set_up()
            self._resources = resources.pop_all()

    @property
    def backend(self) -> str:
        name = "TensorRT-RTX" if self._flavour.name == "rtx" else "TensorRT"
        tiles = "" if self.tiling.whole else f", {len(self.tiling.tiles)} tiles a frame"
        return f"{name} {self._flavour.version} on {self._gpu.facts.name}{tiles}"

    def submit(self, frame: Frame) -> Running:
        check_frame(frame, self)
        self._gpu.use()
        slot = self._ring.take()
        with failing("a frame could not be sent"):
            self._fill(slot, frame)
            return Running(slot, self._queue(slot), frame.pts, frame.duration)

    def collect(self, ticket: Running) -> Frame:
        self._gpu.use()
        slot = ticket.slot
        with failing("a frame did not come back"):
            slot.downloaded.sync()
            if self._trace:
                self._trace.collect(slot, ticket.lane, ticket.pts)
        return Frame(self.result, slot.made, ticket.pts, ticket.duration, partial(self._ring.give_back, slot))

    def queue(self, frames: int) -> None:
        self._gpu.use()
        for _ in range(frames):
            self._passes[next(self._turn)].network()

    def sync(self) -> None:
        for passes in self._passes:
            passes.stream.sync()

    def abort(self) -> None:
        self._ring.abort()

    def close(self) -> None:
        self._gpu.use()
        try:
            with failing("it could not be closed"):
                for stream in (self._copy_in, *(passes.stream for passes in self._passes), self._copy_out):
                    stream.sync()
                while self._borrowed:
                    self._borrowed.popleft()[1].release()
                self._tear_down()
                self._resources.close()
                self._copy_in.sync()
        except BackendError as error:  # after a fault nothing can be freed; what led here is the error to raise
            log.warning("%s", error)

    def _fill(self, slot: Slot, frame: Frame) -> None:
        """Bring the frame's samples into the slot's device_in, or queue that; and let go of the frame."""
        if self._trace:
            self._trace.mark(slot, "upload", self._copy_in)
        if frame.device_planes:
            self._gpu.after_decoding(self._copy_in)
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

    def _queue(self, slot: Slot) -> int:
        """Queue all that is done to the frame in `slot`; gives the number of the lane that computes it."""
        while True:
            lane = next(self._turn)
            try:
                self._compute(slot, lane)
                break
            except OutOfMemory as error:
                log.warning("%s: going on with smaller tiles", error)
                self._tear_down()
                self._set_up()
        self._copy_out.wait(slot.computed)
        if self._trace:
            self._trace.mark(slot, "download", self._copy_out)
        slot.device_out.copy_to(slot.host_out.buffer, stream=self._copy_out)
        self._copy_out.record(slot.downloaded)
        return lane

    def _compute(self, slot: Slot, lane: int) -> None:
        passes = self._passes[lane]

        def mark(name: str) -> None:
            if self._trace:
                self._trace.mark(slot, name, passes.stream)

        passes.stream.wait(slot.uploaded)
        mark("compute")
        passes.queue(int(slot.device_in.handle), int(slot.device_out.handle), mark)
        passes.stream.record(slot.computed)

    @property
    def _slot_bytes(self) -> int:
        return self.source.bytes + self.result.bytes

    def _ways(self) -> Iterator[tuple[Tiling, int]]:
        """Ways to work, ever smaller: how the frame is cut, and how many contexts take turns."""
        multiple = lcm(2, self.model.stride)
        for tiling in tilings(self.source.width, self.source.height, self.model.reach, multiple=multiple):
            yield tiling, self._contexts
            if self._contexts > 1:
                yield tiling, 1

    def _set_up(self) -> None:
        """Make ready the first way to work, among those left, that fits. Raises OutOfMemory when none is left."""
        per_pixel = 0.0  # bytes that a context takes for each pixel of a tile, once one engine has told
        for tiling, contexts in self._candidates:
            if self._needed(tiling, contexts, per_pixel * tiling.tile_width * tiling.tile_height) > self._budget:
                continue
            self._network = Network(
                self._gpu, self._flavour, self.model, tiling.tile_height, tiling.tile_width, self._cache
            )
            per_pixel = self._network.memory / (tiling.tile_width * tiling.tile_height)
            self._passes: list[Passes] = []
            if self._needed(tiling, contexts, self._network.memory) <= self._budget:
                try:
                    self._stand(tiling, contexts)
                    return
                except OutOfMemory as error:
                    log.warning("%s: trying smaller tiles", error)
            self._tear_down()
        raise OutOfMemory(
            f"frames of {self.source} do not fit into {self._budget / 2**30:.1f} GiB of GPU memory, in tiles or whole: "
            "allow more with --vram, or take a smaller --model or --backend onnx"
        )

    def _stand(self, tiling: Tiling, contexts: int) -> None:
        """Make the passes and run them once: TensorRT-RTX compiles its kernels at the first run."""
        self.tiling = tiling
        for _ in range(contexts):
            self._passes.append(Passes(self._gpu, self._network, tiling, self._to_rgb, self._from_rgb))
        self._turn = cycle(range(contexts))
        for passes in self._passes:
            passes.network()
        for passes in self._passes:
            passes.stream.sync()
        self._network.remember()

    def _tear_down(self) -> None:
        """Free what `_set_up` made, when what is under way is done."""
        for passes in self._passes:
            passes.stream.sync()
            passes.close()
        self._passes = []
        self._network.close()

    def _needed(self, tiling: Tiling, contexts: int, working: float) -> float:
        """Bytes of GPU memory, where a context works in `working`."""
        model, scales = self.model, 1 + self.model.scale**2
        tensors = rgb_bytes(model, tiling.tile_width, tiling.tile_height) * scales
        if not tiling.whole:
            tensors += rgb_bytes(model, tiling.width, tiling.height) * scales
        return len(self._ring.slots) * self._slot_bytes + contexts * (working + tensors)

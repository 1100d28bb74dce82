"""Upscaling by TensorRT, copies and compute overlapped.

    submit                                                                          collect
    host_in ──▶ copy-in stream ──uploaded──▶ compute stream ──computed──▶ copy-out stream ──downloaded──▶ host_out
                host_in → device_in          to_rgb, network, from_rgb    device_out → host_out

While slot k computes, k+1 uploads and k-1 downloads. There are as many compute streams as contexts; frames alternate
between them, which fills the gaps at the end of each network. Nothing is allocated and nothing device-wide is waited
for once the session stands; `collect` sleeps on the oldest slot's last event, so a frame leaves when it is done.

The nine steps of a CUDA library's use, and where they are:
 1. bind a handle                __init__ (device, runtime), `_load` (engine), Lane (context)
 2. allocate device memory       SlotRing (frames), Lane (tensors)
 3. check type, shape and order  `check_frame` for each frame, `_check_engine` for the engine
 4. copy in                      `submit`: into host_in, then host_in → device_in
 5. configure                    Lane: shape and addresses, once
 6. run                          `submit` → Lane.run
 7. fetch                        `submit` queues device_out → host_out, `collect` waits for it
 8. convert                      kernels.ToRgb and FromRgb, on the compute stream around the network
 9. free                         Frame.release → SlotRing.give_back; `close` for the rest
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from pipeline.cuda import Gpu, facts, failing
from pipeline.errors import BackendError
from pipeline.frame import Frame, FrameFormat, PixelFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres import engine as engines
from pipeline.superres.flavour import Flavour, load
from pipeline.superres.kernels import FromRgb, ToRgb
from pipeline.superres.session import Session, check_frame, check_tensor
from pipeline.superres.slots import Slot, SlotRing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """A ticket: the slot that the GPU works on, and the time of its frame."""

    slot: Slot
    pts: int
    duration: int


class Lane:
    """One execution context with the stream it computes on and its two tensors."""

    def __init__(self, gpu: Gpu, flavour: Flavour, context: Any, model: ModelSpec, source: FrameFormat) -> None:
        if context is None:
            raise BackendError(f"no room for a context of {model.name} at {source}: {flavour.complaint()}")
        self.stream = gpu.stream()
        self._context = context
        self._flavour = flavour
        pixels = source.width * source.height * 3 * model.dtype.itemsize
        self.input = gpu.allocate(pixels, self.stream)
        self.output = gpu.allocate(pixels * model.scale**2, self.stream)
        context.set_input_shape(model.input, (1, 3, source.height, source.width))
        context.set_tensor_address(model.input, int(self.input.handle))
        context.set_tensor_address(model.output, int(self.output.handle))
        self._handle = int(self.stream.handle)

    def run(self) -> None:
        """Queue the network behind what the stream already has to do."""
        if not self._context.execute_async_v3(self._handle):
            raise BackendError(f"TensorRT refused to run: {self._flavour.complaint()}")

    def close(self) -> None:
        del self._context
        self.input.close(self.stream)
        self.output.close(self.stream)


class TensorRtSession(Session[Running]):
    """`slots` frames under way at once, on `contexts` compute streams of GPU `device`."""

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        pixel: PixelFormat | None = None,
        device: int = 0,
        flavour: str = "auto",
        slots: int = 10,
        contexts: int = 2,
        cache: engines.EngineCache | None = None,
    ) -> None:
        super().__init__(model, source, pixel)
        self._flavour = load(flavour)
        self._gpu = Gpu(device)
        self.facts = facts(device)
        self._cache = cache or engines.EngineCache()
        self._runtime = self._flavour.trt.Runtime(self._flavour.logger)
        self._key = self._engine_key()
        self._engine = self._load()
        self._check_engine()
        self._to_rgb = ToRgb(self._gpu.device, self.source, model)
        self._from_rgb = FromRgb(self._gpu.device, self.result, model)
        self._copy_in, self._copy_out = self._gpu.stream(), self._gpu.stream()
        config, compiled = self._runtime_config()
        make = partial(self._engine.create_execution_context, *(() if config is None else (config,)))
        with ExitStack() as resources:
            self._ring = SlotRing(self._gpu, self._copy_in, self.source, self.result, slots)
            resources.callback(self._ring.close)
            self._lanes: list[Lane] = []
            for _ in range(contexts):
                self._lanes.append(Lane(self._gpu, self._flavour, make(), model, source))
                resources.callback(self._lanes[-1].close)
            self._turn = cycle(self._lanes)
            self._warm_up()
            self._resources = resources.pop_all()
        if compiled is not None:
            engines.keep(self._cache.runtime_cache(self._key), bytes(compiled.serialize()))

    @property
    def backend(self) -> str:
        name = "TensorRT-RTX" if self._flavour.name == "rtx" else "TensorRT"
        return f"{name} {self._flavour.version} on {self.facts.name}"

    def submit(self, frame: Frame) -> Running:
        check_frame(frame, self)
        self._gpu.use()
        slot = self._ring.take()
        for packed, plane in zip(self.source.split(slot.host_in.array), frame.planes, strict=True):
            np.copyto(packed, plane)
        frame.release()
        with failing("a frame could not be sent"):
            self._queue(slot)
        return Running(slot, frame.pts, frame.duration)

    def collect(self, ticket: Running) -> Frame:
        self._gpu.use()
        slot = ticket.slot
        with failing("a frame did not come back"):
            slot.downloaded.sync()
        planes = self.result.split(slot.host_out.array)
        return Frame(self.result, planes, ticket.pts, ticket.duration, partial(self._ring.give_back, slot))

    def bare(self, frames: int) -> None:
        self._gpu.use()
        for _ in range(frames):
            next(self._turn).run()
        for lane in self._lanes:
            lane.stream.sync()

    def abort(self) -> None:
        self._ring.abort()

    def close(self) -> None:
        self._gpu.use()
        try:
            with failing("it could not be closed"):
                for stream in (self._copy_in, *(lane.stream for lane in self._lanes), self._copy_out):
                    stream.sync()
                self._resources.close()
                self._copy_in.sync()
        except BackendError as error:  # after a fault nothing can be freed; what led here is the error to raise
            log.warning("%s", error)
        del self._engine, self._runtime

    def _queue(self, slot: Slot) -> None:
        lane = next(self._turn)
        slot.device_in.copy_from(slot.host_in.buffer, stream=self._copy_in)
        self._copy_in.record(slot.uploaded)

        lane.stream.wait(slot.uploaded)
        self._to_rgb(lane.stream, int(slot.device_in.handle), int(lane.input.handle))
        lane.run()
        self._from_rgb(lane.stream, int(lane.output.handle), int(slot.device_out.handle))
        lane.stream.record(slot.computed)

        self._copy_out.wait(slot.computed)
        slot.device_out.copy_to(slot.host_out.buffer, stream=self._copy_out)
        self._copy_out.record(slot.downloaded)

    def _warm_up(self) -> None:
        """Run each lane once: TensorRT-RTX compiles its kernels at the first run."""
        rng = np.random.default_rng(0)
        for slot, _ in zip(self._ring.slots, self._lanes, strict=False):
            slot.host_in.array[:] = rng.integers(0, 256, slot.host_in.array.shape, np.uint8)
            self._queue(slot)
        self._copy_out.sync()

    def _engine_key(self) -> engines.EngineKey:
        return engines.EngineKey(
            onnx_sha256=self.model.sha256,
            flavour=self._flavour.name,
            version=self._flavour.version,
            gpu=self.facts.name,
            capability=self.facts.capability,
            driver=self.facts.driver,
            height=self.source.height,
            width=self.source.width,
        )

    def _load(self) -> Any:
        def make() -> bytes:
            log.info("building the engine of %s for %s", self.model.name, self.source)
            return engines.build(self._flavour, self.model, self.source.height, self.source.width)

        return self._cache.fetch(self._key, self._runtime.deserialize_cuda_engine, make)

    def _check_engine(self) -> None:
        for name, format in ((self.model.input, self.source), (self.model.output, self.result)):
            dtype = np.dtype(self._flavour.trt.nptype(self._engine.get_tensor_dtype(name)))
            check_tensor(name, dtype, tuple(self._engine.get_tensor_shape(name)), self.model, format)

    def _runtime_config(self) -> tuple[Any, Any]:
        """RTX only: a runtime config that remembers what the first run compiles, and that memory; else (None, None)."""
        if not hasattr(self._flavour.trt, "IRuntimeCache"):
            return None, None
        config = self._engine.create_runtime_config()
        compiled = config.create_runtime_cache()
        kept = self._cache.runtime_cache(self._key)
        if kept.exists() and not compiled.deserialize(kept.read_bytes()):
            log.warning("the compiled kernels kept as %s do not fit here: compiling anew", kept.name)
        config.set_runtime_cache(compiled)
        return config, compiled

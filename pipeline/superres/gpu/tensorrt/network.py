"""A network on one GPU, for pictures of one size: its engine, found or built, and the contexts that run it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendError, OutOfMemory
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.tensorrt import engine as engines
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import TensorRtLibrary
from pipeline.superres.session import check_tensor
from pipeline.system.cache import write_cached
from pipeline.system.cuda import Gpu

log = logging.getLogger(__name__)


class Network:
    """The engine of `model` for pictures of `height` x `width`, from `cache` or built for it.

    shapes: the sizes that the engine must be made for; None: this one, but one that is kept for several sizes does too.
    memory: bytes of GPU memory that each context works in. fixed: the engine is for this size alone.

    Raises OutOfMemory, ModelError or BackendError, and leaves nothing behind.
    """

    def __init__(
        self,
        gpu: Gpu,
        flavour: TensorRtLibrary,
        model: ModelSpec,
        height: int,
        width: int,
        cache: EngineCache,
        shapes: Shapes | None = None,
    ) -> None:
        self.model, self.height, self.width = model, height, width
        self._gpu = gpu
        self._flavour = flavour
        self._cache = cache
        self._runtime: Any = flavour.trt.Runtime(flavour.logger)
        exact = key_of(gpu, flavour, model, shapes or Shapes.fixed(height, width))
        self._key = exact if shapes else cache.serving(exact)
        self._config: Any = None
        self._compiled: Any = None
        self._engine: Any = None
        try:
            engine = cache.fetch(self._key, model.name, self._deserialized, self._build, self._trust)
            self._open(engine)
            self._check()
        except BaseException:
            self.close()
            raise
        self.fixed = self._key.shapes.is_fixed
        self.memory = int(engine.device_memory_size_v2)

    def lane(self) -> Lane:
        """A context of its own, on a stream of its own. Raises OutOfMemory."""
        return Lane(self._gpu, self._flavour, self._context(), self.model, self.height, self.width)

    def remember(self) -> None:
        """Keep what TensorRT-RTX compiled at the first run, for the next start."""
        if self._compiled is not None:
            kept = self._cache.runtime_cache(self._key, self.height, self.width, self._gpu.facts.uuid)
            compiled = bytes(self._compiled.serialize())
            if not kept.exists() or kept.read_bytes() != compiled:
                write_cached(kept, compiled)

    def close(self) -> None:
        """Free the engine; its lanes must be closed."""
        self._engine = self._config = self._compiled = self._runtime = None

    def _deserialized(self, plan: bytes) -> Any:
        """The engine in `plan`, None if it is not for this machine. Raises OutOfMemory."""
        self._flavour.logger.complaints.clear()
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None and self._flavour.lacks_memory:
            raise OutOfMemory(f"no room for the engine of {self.model.name}: {self._flavour.complaint()}")
        return engine

    def _build(self) -> bytes:
        slow = self._flavour.name == "tensorrt"
        told = "building the engine of %s for %s" + (": some minutes, once" if slow else "")
        log.log(logging.WARNING if slow else logging.INFO, told, self.model.name, self._key.shapes)
        return engines.build(self._flavour, self.model, self._key.shapes)

    def _trust(self, engine: Any) -> None:
        """Raise BackendError where a new engine is wrong."""
        self._open(engine)
        lane = self.lane()
        try:
            decibels = validation.check(self.model, lane.once, self.height, self.width)
        finally:
            lane.close()
        log.info("the engine of %s is right: %.1f dB beside ONNX Runtime", self.model.name, decibels)

    def _open(self, engine: Any) -> None:
        if self._config is None and hasattr(self._flavour.trt, "IRuntimeCache"):
            self._config, self._compiled = self._runtime_config(engine)
        self._engine = engine

    def _context(self) -> Any:
        given = () if self._config is None else (self._config,)
        context = self._engine.create_execution_context(*given)
        if context is None:
            raise OutOfMemory(f"no room for a context of {self.model.name}: {self._flavour.complaint()}")
        return context

    def _check(self) -> None:
        scale = self.model.scale
        for name, height, width in (
            (self.model.input, self.height, self.width),
            (self.model.output, self.height * scale, self.width * scale),
        ):
            dtype = np.dtype(self._flavour.trt.nptype(self._engine.get_tensor_dtype(name)))
            seen = self._engine.get_tensor_shape(name)
            wanted = (1, self.model.channels, height, width)
            shape = tuple(here if length == -1 else length for length, here in zip(seen, wanted, strict=True))
            check_tensor(name, dtype, shape, self.model, height, width)

    def _runtime_config(self, engine: Any) -> tuple[Any, Any]:
        """RTX only: a runtime config that remembers what the first run compiles, and that memory."""
        trt = self._flavour.trt
        config = engine.create_runtime_config()
        if not self._key.shapes.is_fixed:  # else a general kernel would run until the one for this size is compiled
            config.dynamic_shapes_kernel_specialization_strategy = trt.DynamicShapesKernelSpecializationStrategy.EAGER
        # Measured on an H100: 6 rather than 700 us of a processor for each run, and 2 % more runs a second.
        config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        compiled = config.create_runtime_cache()
        kept = self._cache.runtime_cache(self._key, self.height, self.width, self._gpu.facts.uuid)
        if kept.exists() and not compiled.deserialize(kept.read_bytes()):
            log.warning("the compiled kernels kept as %s do not fit here: compiling anew", kept.name)
        config.set_runtime_cache(compiled)
        return config, compiled


class Lane:
    """One execution context with the stream it computes on and its two tensors."""

    def __init__(
        self, gpu: Gpu, flavour: TensorRtLibrary, context: Any, model: ModelSpec, height: int, width: int
    ) -> None:
        self.stream = gpu.stream()
        self._gpu = gpu
        self._flavour = flavour
        self._context = context
        self._model = model
        planes = (1, model.channels)
        self._shapes = (*planes, height, width), (*planes, height * model.scale, width * model.scale)
        sizes = [int(np.prod(shape)) * model.dtype.itemsize for shape in self._shapes]
        self.input = gpu.allocate(sizes[0], self.stream)
        try:
            self.output = gpu.allocate(sizes[1], self.stream)
        except BackendError:
            self.input.close(self.stream)
            raise
        context.set_input_shape(model.input, self._shapes[0])
        context.set_tensor_address(model.input, int(self.input.handle))
        context.set_tensor_address(model.output, int(self.output.handle))
        self._handle = int(self.stream.handle)

    def run(self) -> None:
        """Queue the network behind what the stream already has to do. Raises OutOfMemory or BackendError."""
        if not self._context.execute_async_v3(self._handle):
            kind = OutOfMemory if self._flavour.lacks_memory else BackendError
            raise kind(f"TensorRT refused to run {self._model.name}: {self._flavour.complaint()}")

    def once(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The network on `picture`, (1, C, H, W), to and fro, and waited for."""
        with ExitStack() as memory:
            given = self._gpu.pinned(self.input.size)
            memory.callback(given.close)
            made = self._gpu.pinned(self.output.size)
            memory.callback(made.close)
            given.array[:] = picture.astype(self._model.dtype).ravel().view(np.uint8)
            self.input.copy_from(given.buffer, stream=self.stream)
            self.run()
            self.output.copy_to(made.buffer, stream=self.stream)
            self.stream.sync()
            return made.array.copy().view(self._model.dtype).reshape(self._shapes[1])

    def close(self) -> None:
        """Free context and tensors; nothing may be under way."""
        self.stream.sync()
        del self._context
        self.input.close(self.stream)
        self.output.close(self.stream)
        self.stream.sync()


def key_of(gpu: Gpu, flavour: TensorRtLibrary, model: ModelSpec, shapes: Shapes) -> EngineKey:
    """What the engine of `model` for `shapes` is known by on this GPU."""
    return EngineKey(
        onnx_sha256=model.sha256,
        precision=model.precision,
        flavour=flavour.name,
        version=flavour.version,
        gpu=gpu.facts.name,
        capability=gpu.facts.capability,
        driver=gpu.facts.driver,
        shapes=shapes,
    )

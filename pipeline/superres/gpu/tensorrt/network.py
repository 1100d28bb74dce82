"""A network on one GPU for images of one size: its engine, from the cache or built, and the contexts that run it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendError, ModelError, OutOfMemory
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.tensorrt import engine as engines
from pipeline.superres.gpu.tensorrt.engine import BUILD_OPTIONS, PLAIN_OPTIONS, EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import INSTALL_COMMANDS, TensorRtLibrary
from pipeline.superres.session import check_tensor
from pipeline.system.cache import is_own, write_cached
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Stream

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineResources:
    """The resources with which the engines of one model on one GPU are built and run.

    Attributes:
        gpu: The GPU.
        library: The TensorRT library; None if none is installed, where only fused kernels run.
        cache: Where engines are cached.
        model: The network.
        prelu_as_max: Whether PReLU is rewritten before an engine is built; see `build_engine`.
    """

    gpu: Gpu
    library: TensorRtLibrary | None
    cache: EngineCache
    model: ModelSpec
    prelu_as_max: bool = True

    def key(self, shapes: Shapes) -> EngineKey:
        """Key of the engine for `shapes`."""
        facts = self.gpu.facts
        return EngineKey(
            onnx_sha256=self.model.sha256,
            precision=self.model.precision,
            library=self.library.name if self.library else "none",
            version=self.library.version if self.library else "",
            gpu=facts.name,
            capability=facts.capability,
            driver=facts.driver,
            shapes=shapes,
            options=BUILD_OPTIONS if self.prelu_as_max else PLAIN_OPTIONS,
        )


class Network:
    """An engine for images of one size.

    Attributes:
        model: The network.
        height: Height of the images.
        width: Width of the images.
        interleaved: Whether the input tensor is (H, W, 4) instead of (1, C, H, W): always False.
        has_fixed_size: Whether the engine supports this size alone.
        context_bytes: GPU memory of each context in bytes, without its input and output.
    """

    interleaved = False

    def __init__(self, resources: EngineResources, height: int, width: int, shapes: Shapes | None = None) -> None:
        """Load the engine from the cache, or build it.

        Args:
            resources: GPU, library, cache and model.
            height: Height of the images.
            width: Width of the images.
            shapes: Sizes that the engine must be built for. None for this size, for which a cached engine for several
                sizes is used too.

        Raises:
            OutOfMemory, ModelError, BackendError: The engine can't be built or used. All resources are released.
        """
        if resources.model.steps:
            raise ModelError(f"{resources.model.name} is a cascade, and an engine runs one network: name one `model`")
        if resources.library is None:
            raise BackendError(f"TensorRT is not installed: {INSTALL_COMMANDS['rtx']}")
        self.model, self.height, self.width = resources.model, height, width
        self._resources = resources
        self._library = resources.library
        self._cache = resources.cache
        self._runtime: Any = self._library.create_runtime()
        exact = resources.key(shapes or Shapes.fixed(height, width))
        self._key = exact if shapes else self._cache.best_match(exact)
        self._config: Any = None
        self._compiled: Any = None
        self._engine: Any = None
        try:
            engine = self._cache.fetch(self._key, self.model.name, self._deserialize, self._build, self._validate)
            self._open(engine)
            self._check_tensors()
        except BaseException:
            self.close()
            raise
        self.has_fixed_size = self._key.shapes.is_fixed
        self.context_bytes = int(engine.device_memory_size_v2)

    @property
    def title(self) -> str:
        """Library and version, for tables."""
        return f"{self._library.title} {self._library.version}"

    def lane(self, stream: Stream | None = None) -> Lane:
        """Create a context with `stream` or a stream of its own. Raises OutOfMemory."""
        context, size = self._create_context(), (self.height, self.width)
        return Lane(self._resources, self._library, context, size, stream)

    def save_runtime_cache(self) -> None:
        """Cache the kernels that TensorRT-RTX compiled at the first run."""
        if self._compiled is not None:
            path = self._runtime_cache_path()
            compiled = bytes(self._compiled.serialize())
            if not path.exists() or path.read_bytes() != compiled:
                write_cached(path, compiled)

    def close(self) -> None:
        """Free the engine. Its lanes must be closed."""
        self._engine = self._config = self._compiled = self._runtime = None

    def _deserialize(self, plan: bytes) -> Any:
        """Load a serialized engine; None if it is not for this machine. Raises OutOfMemory."""
        self._library.logger.messages.clear()
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None and self._library.lacks_memory:
            raise OutOfMemory(f"no memory for the engine of {self.model.name}: {self._library.last_error()}")
        return engine

    def _build(self) -> bytes:
        slow = self._library.name == "tensorrt"
        message = "building the engine of %s for %s" + (", which takes some minutes, once" if slow else "")
        log.log(logging.WARNING if slow else logging.INFO, message, self.model.name, self._key.shapes)
        return engines.build_engine(self._library, self.model, self._key.shapes, self._resources.prelu_as_max)

    def _validate(self, engine: Any) -> None:
        """Raise BackendError if a new engine is wrong."""
        self._open(engine)
        lane = self.lane()
        try:
            decibels = validation.validate_engine(self.model, lane.run_once, self.height, self.width)
        finally:
            lane.close()
        log.info("the engine of %s agrees with ONNX Runtime to %.1f dB", self.model.name, decibels)

    def _open(self, engine: Any) -> None:
        if self._config is None and hasattr(self._library.trt, "IRuntimeCache"):
            self._config, self._compiled = self._runtime_config(engine)
        self._engine = engine

    def _create_context(self) -> Any:
        arguments = () if self._config is None else (self._config,)
        context = self._engine.create_execution_context(*arguments)
        if context is None:
            raise OutOfMemory(f"no memory for a context of {self.model.name}: {self._library.last_error()}")
        return context

    def _check_tensors(self) -> None:
        scale = self.model.scale
        for name, height, width in (
            (self.model.input, self.height, self.width),
            (self.model.output, self.height * scale, self.width * scale),
        ):
            dtype = np.dtype(self._library.trt.nptype(self._engine.get_tensor_dtype(name)))
            engine_shape = self._engine.get_tensor_shape(name)
            expected = (1, self.model.channels, height, width)
            shape = tuple(own if length == -1 else length for length, own in zip(engine_shape, expected, strict=True))
            check_tensor(name, dtype, shape, self.model, height, width)

    def _runtime_config(self, engine: Any) -> tuple[Any, Any]:
        """TensorRT-RTX only: a runtime config with a cache of compiled kernels, and that cache."""
        trt = self._library.trt
        config = engine.create_runtime_config()
        if not self._key.shapes.is_fixed:  # by default a general kernel runs until the one for this size is compiled
            config.dynamic_shapes_kernel_specialization_strategy = trt.DynamicShapesKernelSpecializationStrategy.EAGER
        # Measured on an H100: 6 instead of 700 us of processor time for each run, and 2 % more runs a second.
        config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        compiled = config.create_runtime_cache()
        path = self._runtime_cache_path()
        if path.exists() and is_own(path) and not compiled.deserialize(path.read_bytes()):
            log.warning("the cached kernels %s do not load on this machine: compiling them again", path.name)
        config.set_runtime_cache(compiled)
        return config, compiled

    def _runtime_cache_path(self) -> Path:
        return self._cache.runtime_cache_path(self._key, self.height, self.width, self._resources.gpu.facts.uuid)


class Lane:
    """An execution context with its compute stream and its two tensors.

    Attributes:
        stream: The stream that the context runs on.
        input: Device memory of the input tensor, (1, C, H, W).
        output: Device memory of the output tensor, (1, C, scale H, scale W).
    """

    def __init__(
        self,
        resources: EngineResources,
        library: TensorRtLibrary,
        context: Any,
        size: HeightWidth,
        stream: Stream | None = None,
    ) -> None:
        """Allocate the tensors and bind them to `context`. Raises OutOfMemory."""
        model = resources.model
        self._gpu = resources.gpu
        self._library = library
        self._context = context
        self._model = model
        self.stream: Stream = stream or self._gpu.stream()
        planes, (height, width) = (1, model.channels), size
        self._shapes = (*planes, height, width), (*planes, height * model.scale, width * model.scale)
        sizes = [int(np.prod(shape)) * model.dtype.itemsize for shape in self._shapes]
        self.input = self._gpu.allocate(sizes[0], self.stream)
        try:
            self.output = self._gpu.allocate(sizes[1], self.stream)
        except BackendError:
            self.input.close(self.stream)
            raise
        context.set_input_shape(model.input, self._shapes[0])
        context.set_tensor_address(model.input, int(self.input.handle))
        context.set_tensor_address(model.output, int(self.output.handle))
        self._handle = int(self.stream.handle)

    def run(self) -> None:
        """Queue the network on the stream. Raises OutOfMemory or BackendError."""
        if not self._context.execute_async_v3(self._handle):
            kind = OutOfMemory if self._library.lacks_memory else BackendError
            raise kind(f"TensorRT refused to run {self._model.name}: {self._library.last_error()}")

    def run_once(self, image: NDArray[Any]) -> NDArray[Any]:
        """Copy an image, (1, C, H, W), to the GPU, run the network, and return its output once it is done."""
        with ExitStack() as memory:
            source = self._gpu.pinned(self.input.size)
            memory.callback(source.close)
            output = self._gpu.pinned(self.output.size)
            memory.callback(output.close)
            source.array[:] = image.astype(self._model.dtype).ravel().view(np.uint8)
            self.input.copy_from(source.buffer, stream=self.stream)
            self.run()
            self.output.copy_to(output.buffer, stream=self.stream)
            self.stream.sync()
            return output.array.copy().view(self._model.dtype).reshape(self._shapes[1])

    def close(self) -> None:
        """Free context and tensors, once the stream is idle."""
        self.stream.sync()
        del self._context
        self.input.close(self.stream)
        self.output.close(self.stream)
        self.stream.sync()

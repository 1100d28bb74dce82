"""A network that is computed by fused kernels on one GPU for images of one size, and the lanes that run it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.gpu.fused.kernel import FusedKernel, kernel_arguments
from pipeline.superres.gpu.fused.program import FusedProgram
from pipeline.superres.gpu.fused.weights import IMAGE_PLANES
from pipeline.superres.gpu.launch import Reduce
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Buffer, Stream
    from cuda.core.graph import GraphBuilder


class FusedNetwork:
    """A network that is computed by fused kernels.

    Attributes:
        model: The network.
        height: Height of the images.
        width: Width of the images.
        gpu: The GPU.
        title: Description for tables.
        interleaved: Whether the input tensor is (H, W, 4) instead of (1, C, H, W): always True.
        has_fixed_size: Whether the network supports this size alone: always True.
        context_bytes: GPU memory of each lane in bytes, without its input and output.
        feature_bytes: Size of a buffer between two kernels, in bytes.
        enlarged_bytes: Size of the output before it is reduced, in bytes; 0 if it is not reduced.
        buffers: For each kernel but the last, the number of the buffer that it writes.
    """

    title = "fused kernels"
    interleaved = True
    has_fixed_size = True

    def __init__(self, gpu: Gpu, model: ModelSpec, program: FusedProgram, size: HeightWidth) -> None:
        """Compile the kernels, or load them from the cache, and copy the weights to the GPU.

        Args:
            gpu: The GPU.
            model: The network.
            program: Its kernels and weights.
            size: (H, W) of the images.

        Raises:
            BackendError: The kernels can't be compiled.
            OutOfMemory: The weights do not fit. All resources are released.
        """
        self.model, (self.height, self.width) = model, size
        self.gpu = gpu
        if any(step.shape.half_sums for step in program.steps):
            self.title = f"{self.title}, fp16 accumulation"
        self.buffers = program.buffers()
        self.feature_bytes = self.height * self.width * program.width * 2
        planes, scale = model.channels, model.scale / program.reduction
        rows, columns = int(self.height * scale), int(self.width * scale)
        self.enlarged_bytes = 0 if program.reduction == 1 else planes * rows * columns * 2
        self.context_bytes = self.feature_bytes * len(set(self.buffers)) + self.enlarged_bytes
        self._program = program
        self._reduce = Reduce(gpu.device, planes, rows, columns, program.reduction) if self.enlarged_bytes else None
        self._kernels = [FusedKernel(gpu.device, step.segment, step.shape) for step in program.steps]
        stream = gpu.stream()
        with ExitStack() as memory:
            self._constants = [
                [self._upload(array, stream, memory) for array in (step.weights, step.biases, step.slopes)]
                for step in program.steps
            ]
            self._memory = memory.pop_all()

    def lane(self, stream: Stream | None = None) -> FusedLane:
        """Allocate tensors, with `stream` or a stream of their own. Raises OutOfMemory."""
        return FusedLane(self, stream)

    def save_runtime_cache(self) -> None:
        """Do nothing: compiled kernels are cached when they are compiled."""

    def close(self) -> None:
        """Free the weights. The lanes must be closed."""
        self._memory.close()

    def queue(
        self, stream: Stream | GraphBuilder, image: int, output: int, features: list[int], enlarged: int = 0
    ) -> None:
        """Queue all kernels.

        Args:
            stream: Stream, or graph under construction, to queue them on.
            image: Device address of the input, (H, W, 4) fp16.
            output: Device address of the output, (1, C, scale H, scale W) fp16.
            features: Device addresses of the buffers between kernels.
            enlarged: Device address of the output before it is reduced; without meaning if it is not reduced.
        """
        targets = [features[buffer] for buffer in self.buffers] + [enlarged if self._reduce else output]
        source = image
        for number, (step, kernel) in enumerate(zip(self._program.steps, self._kernels, strict=True)):
            sources = [targets[joined] for joined in step.joined] or [source]
            operand = None if step.operand is None else targets[step.operand]
            arguments = kernel_arguments(sources, targets[number], self._constants[number], operand, image)
            kernel.launch(stream, step.grid, arguments, self.height, self.width, overlap=number > 0)
            source = targets[number]
        if self._reduce:
            self._reduce(stream, enlarged, output)

    def _upload(self, array: NDArray[Any], stream: Stream, memory: ExitStack) -> int:
        """Copy an array to the GPU and return its device address."""
        data = np.ascontiguousarray(array).view(np.uint8).ravel()
        buffer: Buffer = self.gpu.allocate(data.size, stream)
        memory.callback(buffer.close, stream)
        pinned = self.gpu.pinned(data.size)
        try:
            pinned.array[:] = data
            buffer.copy_from(pinned.buffer, stream=stream)
            stream.sync()
        finally:
            pinned.close()
        return int(buffer.handle)


class FusedLane:
    """The tensors of one image at a time, and the kernels as a CUDA graph.

    Attributes:
        stream: The compute stream.
        input: Device memory of the input, (H, W, 4) fp16: the planes of each pixel, followed by zeros.
        output: Device memory of the output, (1, C, scale H, scale W) fp16.
    """

    def __init__(self, network: FusedNetwork, stream: Stream | None = None) -> None:
        """Allocate the tensors and capture the graph. Raises OutOfMemory."""
        gpu, model = network.gpu, network.model
        self._gpu = gpu
        self.stream: Stream = stream or gpu.stream()
        self._shape = (1, model.channels, network.height * model.scale, network.width * model.scale)
        with ExitStack() as memory:

            def allocate(size: int) -> Buffer:
                buffer = gpu.allocate(size, self.stream)
                memory.callback(buffer.close, self.stream)
                return buffer

            self.input = allocate(network.height * network.width * IMAGE_PLANES * 2)
            self.output = allocate(int(np.prod(self._shape)) * 2)
            features = [int(allocate(network.feature_bytes).handle) for _ in set(network.buffers)]
            enlarged = int(allocate(network.enlarged_bytes).handle) if network.enlarged_bytes else 0
            builder = self.stream.create_graph_builder()
            memory.callback(builder.close)
            builder.begin_building()
            network.queue(builder, int(self.input.handle), int(self.output.handle), features, enlarged)
            self._graph = builder.end_building().complete()
            memory.callback(self._graph.close)
            self._memory = memory.pop_all()

    def run(self) -> None:
        """Queue the network on the stream."""
        self._graph.launch(self.stream)

    def run_once(self, image: NDArray[Any]) -> NDArray[Any]:
        """Copy an image, (1, C, H, W), to the GPU, run the network, and return its output once it is done."""
        pixels = np.zeros((*image.shape[2:], IMAGE_PLANES), np.float16)
        pixels[:, :, : image.shape[1]] = image[0].transpose(1, 2, 0)
        with ExitStack() as memory:
            source = self._gpu.pinned(self.input.size)
            memory.callback(source.close)
            output = self._gpu.pinned(self.output.size)
            memory.callback(output.close)
            source.array[:] = pixels.ravel().view(np.uint8)
            self.input.copy_from(source.buffer, stream=self.stream)
            self.run()
            self.output.copy_to(output.buffer, stream=self.stream)
            self.stream.sync()
            return output.array.copy().view(np.float16).reshape(self._shape)

    def close(self) -> None:
        """Free the tensors, once the stream is idle."""
        self.stream.sync()
        self._memory.close()
        self.stream.sync()

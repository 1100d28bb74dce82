"""Divides a stack into fused kernels: measures candidates and chooses the fastest partition."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite
from typing import TYPE_CHECKING

from pipeline.errors import BackendError
from pipeline.superres.gpu.fused.candidates import FP32_SUMS, Instruction, candidates
from pipeline.superres.gpu.fused.kernel import (
    BlockGrid,
    FusedKernel,
    KernelShape,
    LayerSegment,
    compile_kernel,
    kernel_arguments,
)
from pipeline.superres.gpu.fused.stack import ConvolutionStack
from pipeline.system.cuda import Gpu
from pipeline.system.host import cores

if TYPE_CHECKING:
    from cuda.core import Buffer, Stream

SECONDS = 15.0  # limit of the time for compiling
_MOST_FUSED = {8: 4, 16: 3, 24: 3}  # layers in a kernel, by width; else 2: more compute too much twice
_GRIDS = 3  # grids to measure of each kernel
_TIMED_SECONDS = 0.004  # length of one measurement


@dataclass(frozen=True)
class PlannedKernel:
    """One kernel of a plan.

    Attributes:
        start: Index of its first layer.
        segment: The layers that it computes.
        shape: How its work is divided.
        grid: How its blocks divide the frame.
        seconds: Measured time.
    """

    start: int
    segment: LayerSegment
    shape: KernelShape
    grid: BlockGrid
    seconds: float


KernelPlan = tuple[PlannedKernel, ...]


def segments(stack: ConvolutionStack, start: int) -> Iterator[LayerSegment]:
    """Yield the segments that may begin with layer `start`, shortest first.

    A layer whose output is read again later, or whose epilogue reads an earlier output, ends its segment. A joined
    layer begins its segment, because it reads images that are in memory.
    """
    count = len(stack.layers)
    for end in range(start + 1, min(count, start + _MOST_FUSED.get(stack.width, 2)) + 1):
        layers = stack.layers[start:end]
        if layers[-1].joined and len(layers) > 1:
            return
        first, last, joined = start == 0, end == count, len(layers[0].joined)
        yield LayerSegment(
            width=stack.width,
            first=first,
            inner=len(layers) - first - bool(joined) - last,
            last=last,
            planes=stack.planes,
            scale=stack.scale,
            residual=stack.residual if last else "none",
            smooth=tuple(layer.smooth for layer in layers),
            epilogue=layers[-1].epilogue,
            joined=joined,
            ones=layers[0].ones_weight is not None,
            clipped=stack.clipped and last,
        )
        if end - 1 in stack.operands or layers[-1].epilogue != "none":
            return


def fastest_partition(stack: ConvolutionStack, seconds: dict[LayerSegment, float]) -> list[tuple[int, LayerSegment]]:
    """Find the partition of `stack` with the least total time, by a shortest path.

    Args:
        stack: The network.
        seconds: Time of each segment. Segments without a time are not used.

    Returns:
        (first layer, segment) of each kernel; empty if the timed segments don't cover the stack.
    """
    best: list[tuple[float, list[tuple[int, LayerSegment]]]] = [(0.0, [])]
    for end in range(1, len(stack.layers) + 1):
        paths = [
            (best[start][0] + seconds[segment], [*best[start][1], (start, segment)])
            for start in range(end)
            for segment in segments(stack, start)
            if start + segment.layers == end and segment in seconds and isfinite(best[start][0])
        ]
        best.append(min(paths, key=lambda path: path[0], default=(float("inf"), [])))
    return best[-1][1]


class KernelPlanner:
    """Compiles and times the candidates for frames of one size on one GPU."""

    def __init__(
        self,
        gpu: Gpu,
        stack: ConvolutionStack,
        height: int,
        width: int,
        instructions: Collection[Instruction] = FP32_SUMS,
    ) -> None:
        """Prepare to plan; `instructions` may multiply, and wgmma does so only where the GPU has it."""
        self._gpu, self._stack, self._height, self._width = gpu, stack, height, width
        properties = gpu.device.properties
        self._block_bytes = properties.max_shared_memory_per_block_optin
        self._multiprocessor_bytes = properties.max_shared_memory_per_multiprocessor
        self._instructions = [each for each in instructions if each != "wgmma" or gpu.facts.has_wgmma]

    def plan(self, seconds: float = SECONDS) -> KernelPlan:
        """Compile candidates for `seconds`, but at least one for each segment, time them, and return the fastest plan.

        Raises:
            BackendError: No candidate fits on this GPU, or one can't be compiled.
            OutOfMemory: There is no memory for the measurements. All memory is freed.
        """
        kinds = list(dict.fromkeys(s for start in range(len(self._stack.layers)) for s in segments(self._stack, start)))
        compiled = self._compile(kinds, seconds)
        times = dict[LayerSegment, PlannedKernel]()
        stream = self._gpu.stream()
        with ExitStack() as memory:
            memory.callback(stream.sync)
            buffers = self._buffers(kinds, stream, memory)
            for kind, shape in compiled:
                part = self._timed(kind, shape, stream, buffers)
                if kind not in times or part.seconds < times[kind].seconds:
                    times[kind] = part
        chosen = fastest_partition(self._stack, {kind: part.seconds for kind, part in times.items()})
        if not chosen:
            raise BackendError("no fused kernel fits into this GPU's shared memory: set `engine` to auto")
        return tuple(
            PlannedKernel(start, segment, times[segment].shape, times[segment].grid, times[segment].seconds)
            for start, segment in chosen
        )

    def _compile(self, kinds: list[LayerSegment], seconds: float) -> list[tuple[LayerSegment, KernelShape]]:
        """Compile candidates into the cache, in a thread for each core, before the GPU is timed.

        Returns:
            The candidates that were compiled within `seconds`, and the first one of each segment.
        """
        limits = self._block_bytes, self._multiprocessor_bytes, self._instructions
        shapes = {kind: candidates(kind, *limits) for kind in kinds}
        first = [(kind, found[0]) for kind, found in shapes.items() if found]
        others = zip_longest(*([(kind, shape) for shape in found[1:]] for kind, found in shapes.items()))
        order = [*first, *(candidate for turn in others for candidate in turn if candidate)]
        with ThreadPoolExecutor(cores()) as threads:
            futures = [threads.submit(compile_kernel, self._gpu.device.arch, *candidate) for candidate in order]
            try:
                wait(futures, seconds, FIRST_EXCEPTION)
            finally:
                for future in futures[len(first) :]:
                    future.cancel()
        return [
            candidate
            for candidate, future in zip(order, futures, strict=True)
            if not future.cancelled() and future.result()
        ]

    def _buffers(self, kinds: list[LayerSegment], stream: Stream, memory: ExitStack) -> list[Buffer]:
        """Allocate an output, constants and sources for all segments; `memory` frees them once the stream is idle."""
        stack = self._stack
        frame = self._height * self._width * max(stack.width * 2, 8, 2 * stack.planes * stack.scale**2)
        constants = max(max(kind.weight_bytes, 4 * kind.layers * kind.widest) for kind in kinds)
        buffers = []
        # A buffer for each source: the speed of a joined layer is limited by reading them.
        sources = max(1, *(kind.joined for kind in kinds))
        for size in (frame, constants, *[frame] * sources):
            buffers.append(self._gpu.allocate(size, stream))
            memory.callback(buffers[-1].close, stream)
        memory.callback(stream.sync)
        return buffers

    def _timed(self, segment: LayerSegment, shape: KernelShape, stream: Stream, buffers: list[Buffer]) -> PlannedKernel:
        """Time a kernel with its most promising grids."""
        kernel = FusedKernel(self._gpu.device, segment, shape)
        parts = [
            PlannedKernel(0, segment, shape, grid, self._measure(kernel, grid, stream, buffers))
            for grid in kernel.grids(self._height, self._width, _GRIDS)
        ]
        return min(parts, key=lambda part: part.seconds)

    def _measure(self, kernel: FusedKernel, grid: BlockGrid, stream: Stream, buffers: list[Buffer]) -> float:
        """Median time of a launch in seconds."""
        out, constants, *sources = (int(buffer.handle) for buffer in buffers)
        arguments = kernel_arguments(sources[: max(1, kernel.segment.joined)], out, (constants,) * 3)

        def run(times: int) -> float:
            begin, end = self._gpu.event(timed=True), self._gpu.event(timed=True)
            stream.record(begin)
            for _ in range(times):
                kernel.launch(stream, grid, arguments, self._height, self._width)
            stream.record(end)
            end.sync()
            return float(end - begin) / 1000 / times

        once = run(2)
        times = max(2, min(200, int(_TIMED_SECONDS / max(once, 1e-6))))
        return sorted(run(times) for _ in range(3))[1]

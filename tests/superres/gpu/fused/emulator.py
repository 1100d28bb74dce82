"""Runs fused programs on the CPU: convolution.cu itself, compiled by a C++ compiler with warp_shim.h."""

from __future__ import annotations

import ctypes
import hashlib
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.superres.gpu import kernels
from pipeline.superres.gpu.fused.kernel import BlockGrid, KernelShape, LayerSegment, kernel_arguments, macros
from pipeline.superres.gpu.fused.plan import KernelPlan, PlannedKernel, segments
from pipeline.superres.gpu.fused.program import FusedProgram
from pipeline.superres.gpu.fused.stack import ConvolutionStack
from pipeline.superres.gpu.fused.weights import IMAGE_PLANES

HERE = Path(__file__).parent
GUARD = 4096  # halves around each tensor, all NaN: no kernel may write them, or use them for its output
WRAPPER = """
static struct { const void* at[10]; int height, width, strips, rows; } given;
static void run_thread() {
    const void* const* at = given.at;
    convolutions((const half*)at[0], (half*)at[1], (const word*)at[2], (const float*)at[3], (const half*)at[4],
                 (const half*)at[5], (const half*)at[6], (const half*)at[7], (const half*)at[8], (const half*)at[9],
                 given.height, given.width, given.strips, given.rows);
}
extern "C" void run(const void* const* at, int height, int width, int strips, int rows, int blocks, int descending) {
    memcpy(given.at, at, sizeof given.at);
    given.height = height, given.width = width, given.strips = strips, given.rows = rows;
    launch(blocks, descending, run_thread);
}
"""


def plan_of(stack: ConvolutionStack, shape: KernelShape, size: tuple[int, int], most: int, rows: int) -> KernelPlan:
    """A plan with up to `most` layers in a kernel, whose blocks compute `rows` rows each."""
    height, width = size
    parts: list[PlannedKernel] = []
    start = 0
    while start < len(stack.layers):
        segment = [each for each in segments(stack, start) if each.layers <= most][-1]
        strips = math.ceil(width / shape.columns(segment))
        grid = BlockGrid(strips, rows, strips * math.ceil(height / rows))
        parts.append(PlannedKernel(start, segment, shape, grid, 1.0))
        start += segment.layers
    return tuple(parts)


def compiled(folder: Path, segment: LayerSegment, shape: KernelShape) -> ctypes.CDLL:
    """The kernel as a shared library; compiled once for each segment and shape in `folder`."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("NO C++ COMPILER: the fused kernels were NOT run on the CPU; install g++")
    library = folder / f"{hashlib.sha256(repr((segment, shape)).encode()).hexdigest()[:16]}.so"
    if not library.exists():
        defines = [f"-D{name}={value}" for name, value in macros(segment, shape).items()]
        source = (
            f'#include "{HERE / "warp_shim.h"}"\n#include "{Path(kernels.__file__).parent / "fused/convolution.cu"}"\n'
        )
        command = [
            compiler,
            "-O1",
            "-shared",
            "-fPIC",
            "-std=c++17",
            "-w",
            *defines,
            "-x",
            "c++",
            "-",
            "-o",
            str(library),
        ]
        subprocess.run(command, input=(source + WRAPPER).encode(), check=True)
    return ctypes.CDLL(str(library))


class Tensor:
    """Halves between guards; all begin as NaN."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._memory = np.full(int(np.prod(shape)) + 2 * GUARD, np.nan, np.float16)
        self.values = self._memory[GUARD:-GUARD].reshape(shape)
        self.address = self.values.ctypes.data

    def assert_guards_are_untouched(self) -> None:
        assert np.isnan(self._memory[:GUARD]).all()
        assert np.isnan(self._memory[-GUARD:]).all()


def run_program(
    folder: Path, program: FusedProgram, image: NDArray[Any], scale: int, descending: bool = False
) -> NDArray[np.float16]:
    """The output, (1, C, scale H, scale W), of `program` for an image, (1, C, H, W), computed as FusedNetwork does.

    Args:
        folder: Where compiled kernels are kept.
        program: The kernels.
        image: The image, in fp16 or fp32.
        scale: Output size / input size.
        descending: Whether the threads of a block take turns from the last to the first.
    """
    _, planes, height, width = image.shape
    source, output = Tensor((height, width, IMAGE_PLANES)), Tensor((1, planes, scale * height, scale * width))
    source.values[:] = 0
    source.values[:, :, :planes] = image[0].transpose(1, 2, 0)
    buffers = program.buffers()
    features = [Tensor((height, width, program.width)) for _ in set(buffers)]
    targets = [*(features[buffer] for buffer in buffers), output]
    current = source
    for number, step in enumerate(program.steps):
        constants = [np.ascontiguousarray(array) for array in (step.weights, step.biases, step.slopes)]
        sources = [targets[joined].address for joined in step.joined] or [current.address]
        operand = None if step.operand is None else targets[step.operand].address
        arguments = kernel_arguments(
            sources, targets[number].address, [array.ctypes.data for array in constants], operand, source.address
        )
        addresses = (ctypes.c_void_p * len(arguments))(*arguments)
        grid = step.grid
        kernel = compiled(folder, step.segment, step.shape)
        kernel.run(addresses, height, width, grid.strips, grid.rows, grid.blocks, descending)
        current = targets[number]
    for tensor in (source, output, *features):
        tensor.assert_guards_are_untouched()
    return output.values.copy()

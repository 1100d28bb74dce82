"""One fused kernel: its layers (`LayerSegment`) and its shape (`KernelShape`), compiled and ready to launch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BackendError
from pipeline.superres.gpu.fused.stack import MOST_JOINED
from pipeline.superres.gpu.kernels import compile_kernels

if TYPE_CHECKING:
    from cuda.core import Device, Kernel, ObjectCode, Stream

SOURCE_FILE = "fused/convolution.cu"
SMALLEST_SHARED_BYTES = 99 * 1024  # limit of a block on every GPU since Ampere (CUDA C++ Programming Guide, table 27)
_RESERVED_BYTES = 1024  # shared memory that CUDA reserves in each block
_RESIDUALS = {"none": 0, "nearest": 1, "bilinear": 2}
_EPILOGUES = {"none": 0, "add": 1, "gate": 2}
_FRAGMENT = 256  # bytes of a 16x8 tile of weights


@dataclass(frozen=True)
class LayerSegment:
    """Consecutive layers of a stack that one kernel computes.

    Attributes:
        width: Channels between layers.
        first: Whether it begins with the layer that reads the image.
        inner: Number of layers from `width` to `width` channels.
        last: Whether it ends with the layer that makes the output image.
        planes: Planes of the image, 1 or 3.
        scale: Output size / input size.
        residual: Interpolation by which the input is enlarged before it is added to the output: "none" (not added),
            "nearest" or "bilinear".
        smooth: For each layer, whether its activation is SiLU instead of PReLU.
        epilogue: Operation after the last layer's activation: "none", "add" or "gate".
        joined: Number of concatenated images of which it begins with a 1x1 convolution; 0 if it does not.
        ones: Whether the first layer also reads a plane that is 1 in the frame and 0 outside.
        clipped: Whether the output is limited to the range from 0 to 1.
    """

    width: int
    first: bool
    inner: int
    last: bool
    planes: int
    scale: int
    residual: str
    smooth: tuple[bool, ...]
    epilogue: str = "none"
    joined: int = 0
    ones: bool = False
    clipped: bool = False

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.first + bool(self.joined) + self.inner + self.last

    @property
    def tail_tiles(self) -> int:
        """Tiles of 8 channels in the output of the last layer."""
        return -(-self.planes * self.scale**2 // 8)

    @property
    def widest(self) -> int:
        """Number of biases, and of slopes, that each layer has in memory."""
        return 8 * max(self.width // 8, self.tail_tiles)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the packed weights of all layers."""
        steps, tiles = (3 * self.width // 8 + 1) // 2, self.width // 8
        of_layers = self.inner * steps * tiles + self.last * steps * self.tail_tiles
        of_joined = self.joined * ((tiles + 1) // 2) * tiles
        return _FRAGMENT * (3 * (self.first * tiles + of_layers) + of_joined)


@dataclass(frozen=True, order=True)
class KernelShape:
    """The division of a kernel's work.

    Attributes:
        warps_x: Warps of a block side by side, each 16 pixels wide.
        warps_y: Warps of a block below each other.
        rows: Rows that a warp computes in a step.
        blocks: Blocks that must fit on a multiprocessor, which limits the registers of a thread.
        weights_in_shared: Whether weights are copied into shared memory, instead of being read through the L1 cache.
        half_sums: Whether mma.sync sums products in fp16 instead of fp32.
        warpgroup: Whether wgmma computes, which only sm_90 has, instead of mma.sync.
    """

    warps_x: int
    warps_y: int
    rows: int
    blocks: int
    weights_in_shared: bool = True
    half_sums: bool = False
    warpgroup: bool = False

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return 32 * self.warps_x * self.warps_y

    @property
    def step(self) -> int:
        """Rows that a block computes in a step."""
        return self.rows * self.warps_y

    def columns(self, segment: LayerSegment) -> int:
        """Columns of the output that a block computes. Neighbouring blocks compute some intermediate columns twice."""
        return 16 * self.warps_x - 2 * (segment.layers - 1)

    def shared_bytes(self, segment: LayerSegment) -> int:
        """Bytes of shared memory of a block; convolution.cu calculates the same."""
        pixels, edge = 16 * self.warps_x + 2, segment.layers - 1
        chunks = segment.width // 8
        row = pixels * 16 * (chunks if chunks % 2 else chunks + 1)
        source = -(-(2 * self.step + 2) * (8 * (pixels + 2) if segment.first else row) // 16) * 16
        source = 0 if segment.joined else source  # joined images are read straight into registers
        weights = segment.weight_bytes if self.weights_in_shared else 0
        return source + edge * (self.step + 2) * row + weights + segment.layers * segment.widest * 6

    def fits(self, segment: LayerSegment, block_bytes: int, multiprocessor_bytes: int) -> bool:
        """True if the limits of shared memory allow a block of this shape, and `blocks` of them on a multiprocessor."""
        size = self.shared_bytes(segment)
        together = self.blocks * (size + _RESERVED_BYTES)
        return self.columns(segment) > 0 and size <= block_bytes and together <= multiprocessor_bytes


@dataclass(frozen=True)
class BlockGrid:
    """The division of a frame into the blocks of a kernel.

    Attributes:
        strips: Blocks side by side.
        rows: Rows of the frame that each block computes.
        blocks: Total number of blocks.
    """

    strips: int
    rows: int
    blocks: int


class FusedKernel:
    """The kernel of a segment in a shape, compiled for a GPU.

    Attributes:
        segment: The layers that it computes.
        shape: How its work is divided.
        shared_bytes: Shared memory of a block in bytes.
        kernel: The compiled kernel.
        resident: Number of blocks that a multiprocessor runs at the same time.
    """

    def __init__(self, device: Device, segment: LayerSegment, shape: KernelShape) -> None:
        """Compile the kernel, or load it from the cache. Raises BackendError if that is impossible."""
        from cuda.bindings import driver

        self.segment, self.shape = segment, shape
        self.shared_bytes = shape.shared_bytes(segment)
        self.kernel: Kernel = compile_kernel(device.arch, segment, shape).get_kernel("convolutions")
        attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        (status,) = driver.cuKernelSetAttribute(
            attribute, self.shared_bytes, self.kernel.handle, driver.CUdevice(device.device_id)
        )
        if int(status):
            raise BackendError(
                f"{self.shared_bytes} bytes of shared memory for a fused kernel were refused ({status.name}): "
                "set `engine` to a TensorRT library"
            )
        self.resident = self.kernel.occupancy.max_active_blocks_per_multiprocessor(shape.threads, self.shared_bytes)
        self._overlaps = device.compute_capability.major >= 9
        self._multiprocessors = device.properties.multiprocessor_count

    def launch(
        self,
        stream: Stream,
        grid: BlockGrid,
        arguments: tuple[int, ...],
        height: int,
        width: int,
        overlap: bool = False,
    ) -> None:
        """Queue the kernel.

        Args:
            stream: Stream to queue it on.
            grid: How its blocks divide the frame.
            arguments: Device addresses, from kernel_arguments.
            height: Height of the frame in pixels.
            width: Width of the frame in pixels.
            overlap: Let it start while the previous kernel on the stream, which must be a fused kernel too, ends. Has
                an effect from compute capability 9.0 on (programmatic dependent launch).
        """
        from cuda.core import LaunchConfig, launch

        config = LaunchConfig(
            grid=grid.blocks,
            block=self.shape.threads,
            shmem_size=self.shared_bytes,
            programmatic_stream_serialization=overlap and self._overlaps,
        )
        launch(stream, config, self.kernel, *arguments, *map(np.int32, (height, width, grid.strips, grid.rows)))

    def grids(self, height: int, width: int, count: int) -> list[BlockGrid]:
        """The `count` grids with the least estimated time for a frame, fastest first.

        The estimate is the number of steps of the multiprocessor with the most blocks, where starting a block counts as
        0.8 steps. Up to 25 % is added if fewer blocks are resident than fit, since blocks hide each other's latency.
        """
        strips, edge = math.ceil(width / self.shape.columns(self.segment)), self.segment.layers - 1
        costs: dict[BlockGrid, float] = {}
        for segments in range(1, min(height, 200) + 1):
            rows = math.ceil(height / segments)
            blocks = strips * math.ceil(height / rows)
            each = math.ceil(blocks / self._multiprocessors)
            steps = math.ceil((rows + 2 * edge) / self.shape.step)
            idle = max(0, self.resident - each) / max(1, self.resident)
            costs[BlockGrid(strips, rows, blocks)] = each * (steps + 0.8) * (1 + 0.25 * idle)
        return sorted(costs, key=costs.__getitem__)[:count]


def kernel_arguments(
    sources: Sequence[int],
    output: int,
    constants: Sequence[int],
    operand: int | None = None,
    image: int | None = None,
) -> tuple[int, ...]:
    """The device addresses that a kernel takes, in order.

    Args:
        sources: What it reads: the image, features, or the 1 to 4 images that are joined.
        output: What it writes.
        constants: Weights, biases and slopes.
        operand: What its epilogue reads; None if it has none.
        image: The image, for the residual; None if there is none.
    """
    first, *others = sources
    joined = [*others, *[first] * (MOST_JOINED - len(sources))]  # the kernel has a parameter for each, used or not
    return (
        first,
        output,
        *constants,
        first if operand is None else operand,
        first if image is None else image,
        *joined,
    )


def compile_kernel(arch: str, segment: LayerSegment, shape: KernelShape) -> ObjectCode:
    """Compile a kernel, or load it from the cache. Any thread may do so.

    Args:
        arch: The GPU's architecture without its prefix, such as "90".
        segment: The layers that it computes.
        shape: How its work is divided.

    Raises:
        BackendError: NVRTC can't compile it.
    """
    return compile_kernels(SOURCE_FILE, macros(segment, shape), f"sm_{arch}" + ("a" if shape.warpgroup else ""))


def macros(segment: LayerSegment, shape: KernelShape) -> dict[str, str]:
    """The macros that convolution.cu is compiled with."""
    values = {
        "FEATURES": segment.width,
        "FIRST": int(segment.first),
        "JOINED": segment.joined,
        "ONES": int(segment.ones),
        "CLIPPED": int(segment.clipped),
        "INNER": segment.inner,
        "LAST": int(segment.last),
        "IMAGE": segment.planes,
        "SCALE": segment.scale,
        "RESIDUAL": _RESIDUALS[segment.residual],
        "SMOOTH": sum(smooth << index for index, smooth in enumerate(segment.smooth)),
        "EPILOGUE": _EPILOGUES[segment.epilogue],
        "WARPS_X": shape.warps_x,
        "WARPS_Y": shape.warps_y,
        "ROWS": shape.rows,
        "BLOCKS": shape.blocks,
        "WEIGHTS_IN_SHARED": int(shape.weights_in_shared),
        "HALF_SUMS": int(shape.half_sums),
        "WARPGROUP": int(shape.warpgroup),
    }
    return {name: str(value) for name, value in values.items()}

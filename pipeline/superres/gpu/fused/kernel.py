"""One fused kernel: its layers (`LayerSegment`) and its shape (`KernelShape`), compiled and ready to launch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.superres.gpu.kernels import compile_kernels

if TYPE_CHECKING:
    from cuda.core import Device, Kernel, Stream

FILE = "fused/convolution.cu"
SMALLEST_SHARED_BYTES = 99 * 1024  # of a block, on every card since Ampere (CUDA C++ Programming Guide, table 27)
_RESERVED_BYTES = 1024  # of shared memory, that CUDA takes for itself in each block
_RESIDUALS = {"none": 0, "nearest": 1, "bilinear": 2}
_EPILOGUES = {"none": 0, "add": 1, "gate": 2}
_FRAGMENT = 256  # bytes of a 16x8 tile of weights
_REGISTERS = 65536  # of a multiprocessor, on every card since Ampere


@dataclass(frozen=True)
class LayerSegment:
    """Consecutive layers of a chain that one kernel computes.

    Attributes:
        width: Channels between layers.
        first: Whether it begins with the layer that reads the image.
        inner: Number of layers from `width` to `width` channels.
        last: Whether it ends with the layer that makes the output image.
        planes: Planes of the image, 1 or 3.
        scale: Output size / input size.
        residual: How the input is enlarged that the output is added to: "none", "nearest" or "bilinear".
        smooth: For each layer, whether SiLU follows it instead of PReLU.
        epilogue: What follows the last layer's activation: "none", "add" or "gate".
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

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.first + self.inner + self.last

    @property
    def tail_tiles(self) -> int:
        """Tiles of 8 channels that the last layer makes."""
        return -(-self.planes * self.scale**2 // 8)

    @property
    def widest(self) -> int:
        """Biases, and slopes, that a layer has in memory."""
        return 8 * max(self.width // 8, self.tail_tiles)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the packed weights of all layers."""
        steps, tiles = (3 * self.width // 8 + 1) // 2, self.width // 8
        of_layers = self.inner * steps * tiles + self.last * steps * self.tail_tiles
        return 3 * _FRAGMENT * (self.first * tiles + of_layers)


@dataclass(frozen=True, order=True)
class KernelShape:
    """How a kernel's work is divided.

    Attributes:
        warps_x: Warps of a block side by side, each 16 pixels wide.
        warps_y: Warps of a block one below the other.
        rows: Rows that a warp computes in a step.
        blocks: Blocks that a multiprocessor shall hold, which bounds the registers of a thread.
        weights_in_shared: Whether weights are copied into shared memory, instead of being read through the L1 cache.
        half_sums: Whether products are summed in fp16 instead of fp32.
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
        """Columns of the output that a block makes: fused layers compute some at the edges twice."""
        return 16 * self.warps_x - 2 * (segment.layers - 1)

    def shared_bytes(self, segment: LayerSegment) -> int:
        """Bytes of shared memory of a block; convolution.cu has the same sum."""
        pixels, edge = 16 * self.warps_x + 2, segment.layers - 1
        chunks = segment.width // 8
        row = pixels * 16 * (chunks if chunks % 2 else chunks + 1)
        source = -(-(2 * self.step + 2) * (8 * (pixels + 2) if segment.first else row) // 16) * 16
        weights = segment.weight_bytes if self.weights_in_shared else 0
        return source + edge * (self.step + 2) * row + weights + segment.layers * segment.widest * 6

    def fits(self, segment: LayerSegment, block_bytes: int, multiprocessor_bytes: int) -> bool:
        """Whether a block may have so much shared memory, and a multiprocessor holds `blocks` of them."""
        size = self.shared_bytes(segment)
        together = self.blocks * (size + _RESERVED_BYTES)
        return self.columns(segment) > 0 and size <= block_bytes and together <= multiprocessor_bytes


@dataclass(frozen=True)
class BlockGrid:
    """How blocks are laid over a frame.

    Attributes:
        strips: Blocks side by side.
        rows: Rows of the frame that each block makes.
        blocks: Blocks in all.
    """

    strips: int
    rows: int
    blocks: int


class FusedKernel:
    """The kernel of a segment in a shape, compiled for a GPU. Raises BackendError where NVRTC can't."""

    def __init__(self, device: Device, segment: LayerSegment, shape: KernelShape) -> None:
        from cuda.bindings import driver

        self.segment, self.shape = segment, shape
        self.shared_bytes = shape.shared_bytes(segment)
        arch = f"sm_{device.arch}" + ("a" if shape.warpgroup else "")
        self.kernel: Kernel = compile_kernels(FILE, macros(segment, shape), arch).get_kernel("convolutions")
        attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        (status,) = driver.cuKernelSetAttribute(
            attribute, self.shared_bytes, self.kernel.handle, driver.CUdevice(device.device_id)
        )
        if int(status):
            raise ValueError(f"{self.shared_bytes} bytes of shared memory were refused ({status.name})")
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
            stream: Where to.
            grid: How blocks are laid over the frame.
            arguments: Device addresses: source, output, weights, biases, slopes, operand, image.
            height: Of the frame, in pixels.
            width: Of the frame, in pixels.
            overlap: Let it begin while the kernel before it ends (sm_90 and later): that one must be such a kernel too.
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
        """The `count` grids for a frame that promise to be fastest, best first.

        The estimate counts the steps of the multiprocessor with the most blocks, start-up being as long as 0.8 steps,
        and 25 % more where fewer blocks are resident than would fit, since they hide each other's waiting.
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


def macros(segment: LayerSegment, shape: KernelShape) -> dict[str, str]:
    """What convolution.cu is compiled with."""
    defined = {
        "FEATURES": segment.width,
        "FIRST": int(segment.first),
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
    return {name: str(value) for name, value in defined.items()}


def candidates(
    segment: LayerSegment, block_bytes: int, multiprocessor_bytes: int, warpgroups: bool
) -> list[KernelShape]:
    """The shapes worth timing for `segment`, the most promising first.

    Those of _PREFERRED with as many blocks on a multiprocessor as memory and registers allow, since several small
    blocks hide each other's barriers; where none fits, smaller ones, and weights that are read through the L1 cache.

    Args:
        segment: What is computed.
        block_bytes: Shared memory that a block may have on the card.
        multiprocessor_bytes: Shared memory of a multiprocessor.
        warpgroups: Whether the card has wgmma, which is faster from 32 channels on.
    """
    room = block_bytes, multiprocessor_bytes
    found = []
    if warpgroups and segment.width >= _LEAST_WARPGROUP and (segment.inner or segment.last):
        found = [_fitting(segment, tried, *room, warpgroup=True) for tried in _PREFERRED_WARPGROUPS[segment.width]]
    for shapes, shared in ((_PREFERRED[segment.width], True), (_PREFERRED[segment.width], False), (_SMALL, False)):
        more = [_fitting(segment, tried, *room, shared) for tried in shapes]
        if any(more):
            found += more
            break
    return [shape for shape in found if shape]


# Warps side by side, warps one below the other, rows a warp: the fastest of some 200 that were timed on an H200 at
# 1080p and 540p, by the width of the layers.
_PREFERRED: dict[int, tuple[tuple[int, int, int], ...]] = {
    8: ((4, 1, 8), (4, 2, 4), (4, 1, 6)),
    16: ((4, 2, 4), (4, 1, 8), (4, 1, 6), (4, 1, 4)),
    24: ((4, 1, 6), (4, 1, 5), (4, 1, 4)),
    32: ((4, 1, 4), (4, 1, 3), (4, 2, 2)),
    40: ((4, 1, 3), (4, 1, 4), (4, 2, 2)),
    48: ((4, 1, 3), (4, 1, 4), (4, 2, 2)),
    56: ((4, 1, 3), (4, 2, 3), (4, 2, 2)),
    64: ((4, 2, 3), (4, 2, 2), (4, 1, 3), (4, 2, 4)),
}
_SMALL = ((2, 1, 4), (2, 1, 3), (2, 1, 2), (1, 1, 2))


_LEAST_WARPGROUP = 32
_PREFERRED_WARPGROUPS: dict[int, tuple[tuple[int, int, int], ...]] = {
    32: ((4, 1, 3), (4, 1, 4)),
    40: ((4, 1, 3), (4, 1, 4)),
    48: ((4, 1, 3), (4, 1, 4)),
    56: ((4, 2, 2), (4, 1, 3)),
    64: ((4, 2, 2), (4, 3, 2), (4, 2, 3)),
}


def _fitting(
    segment: LayerSegment,
    warps: tuple[int, int, int],
    block_bytes: int,
    multiprocessor_bytes: int,
    weights_in_shared: bool = True,
    warpgroup: bool = False,
) -> KernelShape | None:
    """The shape with the most blocks on a multiprocessor; None where not even one fits."""
    warps_x, warps_y, rows = warps
    tiles = max(segment.width // 8 if segment.first or segment.inner else 0, segment.tail_tiles if segment.last else 0)
    registers = 4 * rows * tiles + 8 * (rows + 2) + 4 * tiles + 16  # sums, pixels of two steps, biases, addresses
    most = min(5, _REGISTERS // (32 * warps_x * warps_y * registers))
    for blocks in range(most, 0, -1):
        shape = KernelShape(*warps, blocks, weights_in_shared=weights_in_shared, warpgroup=warpgroup)
        if shape.fits(segment, block_bytes, multiprocessor_bytes):
            return shape
    return None

"""The shapes of a fused kernel that are worth measuring on a GPU."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, zip_longest
from typing import Literal

from pipeline.superres.gpu.fused.kernel import KernelShape, LayerSegment

Instruction = Literal["mma", "mma-fp16", "wgmma"]
"""The instruction that multiplies, and the type in which it sums: mma.sync or wgmma with fp32, mma.sync with fp16."""

FP32_SUMS: tuple[Instruction, ...] = ("wgmma", "mma")
ALL_INSTRUCTIONS: tuple[Instruction, ...] = (*FP32_SUMS, "mma-fp16")
LEAST_WGMMA_WIDTH = 32  # wgmma was not faster on narrower layers

_REGISTERS = 65536  # of a multiprocessor on every GPU since Ampere

# Warps side by side, warps below each other, rows of a warp: the fastest of some 200 that were timed on an H200 at
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
_PREFERRED_JOINED = ((4, 2, 2), (4, 1, 2), (4, 2, 1))  # few rows: registers hold the pixels of two images of each
_SMALL = ((2, 1, 4), (2, 1, 3), (2, 1, 2), (1, 1, 2))
_MOST_ROWS_BESIDE_L1 = 2  # of a warp, if weights come from L1: SiLU or a gate of more rows spills registers
_PREFERRED_WARPGROUPS: dict[int, tuple[tuple[int, int, int], ...]] = {
    32: ((4, 1, 3), (4, 1, 4)),
    40: ((4, 1, 3), (4, 1, 4)),
    48: ((4, 1, 3), (4, 1, 4)),
    56: ((4, 2, 2), (4, 1, 3)),
    64: ((4, 2, 2), (4, 3, 2), (4, 2, 3)),
}


def candidates(
    segment: LayerSegment,
    block_bytes: int,
    multiprocessor_bytes: int,
    instructions: Collection[Instruction],
) -> list[KernelShape]:
    """The shapes to measure for `segment`, the most promising first; those of several instructions take turns.

    They are those of _PREFERRED, with as many blocks on a multiprocessor as memory and registers allow, since several
    small blocks hide each other's barriers. If none fits, weights are read through the L1 cache; if that is not enough
    either, the shapes are smaller.

    Args:
        segment: The layers to compute.
        block_bytes: Largest shared memory of a block on the GPU.
        multiprocessor_bytes: Shared memory of a multiprocessor.
        instructions: What may multiply. wgmma has no kernels for layers of less than 32 channels and for the first
            layer alone: if nothing else may multiply, mma.sync with sums in fp32 does.
    """
    limits = block_bytes, multiprocessor_bytes
    found: list[list[KernelShape]] = []
    if "wgmma" in instructions and segment.width >= LEAST_WGMMA_WIDTH and (segment.inner or segment.last):
        shapes = _PREFERRED_JOINED if segment.joined else _PREFERRED_WARPGROUPS[segment.width]
        found.append([shape for warps in shapes if (shape := _fitting(segment, warps, *limits, warpgroup=True))])
    if "mma-fp16" in instructions:
        found.append(_of_mma(segment, *limits, half_sums=True))
    if "mma" in instructions or not any(found):
        found.append(_of_mma(segment, *limits))
    return [shape for shape in chain.from_iterable(zip_longest(*found)) if shape]


def _of_mma(
    segment: LayerSegment, block_bytes: int, multiprocessor_bytes: int, half_sums: bool = False
) -> list[KernelShape]:
    """The shapes with mma.sync."""
    limits = block_bytes, multiprocessor_bytes
    preferred = _PREFERRED_JOINED if segment.joined else _PREFERRED[segment.width]
    for shapes, shared in ((preferred, True), (preferred, False), (_SMALL, False)):
        if not shared and (segment.epilogue != "none" or any(segment.smooth)):
            shapes = tuple(warps for warps in shapes if warps[2] <= _MOST_ROWS_BESIDE_L1)
        fitting = [_fitting(segment, warps, *limits, shared, half_sums=half_sums) for warps in shapes]
        if any(fitting):
            return [shape for shape in fitting if shape]
    return []


def _fitting(
    segment: LayerSegment,
    warps: tuple[int, int, int],
    block_bytes: int,
    multiprocessor_bytes: int,
    weights_in_shared: bool = True,
    half_sums: bool = False,
    warpgroup: bool = False,
) -> KernelShape | None:
    """The shape with the most blocks on a multiprocessor; None if not even one fits."""
    warps_x, warps_y, rows = warps
    has_features = segment.first or segment.joined or segment.inner
    tiles = max(segment.width // 8 if has_features else 0, segment.tail_tiles if segment.last else 0)
    pixels = 8 * (rows + 2)  # of two steps
    if segment.joined:
        pixels = max(pixels, 4 * rows * segment.width // 8) + 24  # of two images, and their addresses
    sums = 2 if half_sums else 4  # registers of a tile
    registers = sums * rows * tiles + pixels + sums * tiles + 16  # sums, pixels, biases, addresses
    registers += 2 * rows * segment.tail_tiles if segment.last else 0  # the residual
    registers += 8 if warpgroup else 0  # descriptors, and sums that may not be moved
    most = min(5, _REGISTERS // (32 * warps_x * warps_y * registers))
    for blocks in range(most, 0, -1):
        shape = KernelShape(*warps, blocks, weights_in_shared, half_sums, warpgroup)
        if shape.fits(segment, block_bytes, multiprocessor_bytes):
            return shape
    return None

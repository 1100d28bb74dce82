"""The shapes of a fused kernel that are worth measuring on a GPU."""

from __future__ import annotations

from pipeline.superres.gpu.fused.kernel import KernelShape, LayerSegment

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
_SMALL = ((2, 1, 4), (2, 1, 3), (2, 1, 2), (1, 1, 2))
_LEAST_WARPGROUP = 32
_PREFERRED_WARPGROUPS: dict[int, tuple[tuple[int, int, int], ...]] = {
    32: ((4, 1, 3), (4, 1, 4)),
    40: ((4, 1, 3), (4, 1, 4)),
    48: ((4, 1, 3), (4, 1, 4)),
    56: ((4, 2, 2), (4, 1, 3)),
    64: ((4, 2, 2), (4, 3, 2), (4, 2, 3)),
}


def candidates(
    segment: LayerSegment, block_bytes: int, multiprocessor_bytes: int, warpgroups: bool
) -> list[KernelShape]:
    """The shapes to measure for `segment`, the most promising first.

    They are those of _PREFERRED, with as many blocks on a multiprocessor as memory and registers allow, since several
    small blocks hide each other's barriers. If none fits, weights are read through the L1 cache; if that is not enough
    either, the shapes are smaller.

    Args:
        segment: The layers to compute.
        block_bytes: Largest shared memory of a block on the GPU.
        multiprocessor_bytes: Shared memory of a multiprocessor.
        warpgroups: Whether the GPU has wgmma, which is faster from 32 channels on.
    """
    limits = block_bytes, multiprocessor_bytes
    found = []
    if warpgroups and segment.width >= _LEAST_WARPGROUP and (segment.inner or segment.last):
        found = [_fitting(segment, warps, *limits, warpgroup=True) for warps in _PREFERRED_WARPGROUPS[segment.width]]
    for shapes, shared in ((_PREFERRED[segment.width], True), (_PREFERRED[segment.width], False), (_SMALL, False)):
        more = [_fitting(segment, warps, *limits, shared) for warps in shapes]
        if any(more):
            found += more
            break
    return [shape for shape in found if shape]


def _fitting(
    segment: LayerSegment,
    warps: tuple[int, int, int],
    block_bytes: int,
    multiprocessor_bytes: int,
    weights_in_shared: bool = True,
    warpgroup: bool = False,
) -> KernelShape | None:
    """The shape with the most blocks on a multiprocessor; None if not even one fits."""
    warps_x, warps_y, rows = warps
    tiles = max(segment.width // 8 if segment.first or segment.inner else 0, segment.tail_tiles if segment.last else 0)
    registers = 4 * rows * tiles + 8 * (rows + 2) + 4 * tiles + 16  # sums, pixels of two steps, biases, addresses
    registers += 2 * rows * segment.tail_tiles if segment.last else 0  # the residual
    registers += 8 if warpgroup else 0  # descriptors, and sums that may not be moved
    most = min(5, _REGISTERS // (32 * warps_x * warps_y * registers))
    for blocks in range(most, 0, -1):
        shape = KernelShape(*warps, blocks, weights_in_shared=weights_in_shared, warpgroup=warpgroup)
        if shape.fits(segment, block_bytes, multiprocessor_bytes):
            return shape
    return None

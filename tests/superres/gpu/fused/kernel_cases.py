"""A set of small runs in which every variant of the fused kernels occurs: for compute-sanitizer and for tests.

Not the product of all variants, which would take hours under a sanitizer: each family of networks is computed with each
instruction that has kernels for it, at a size of one pixel, at a small odd size, and at one of several strips and
segments, in three different ways of dividing it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import onnx

from pipeline.models import synthetic
from pipeline.superres.gpu.fused.candidates import LEAST_WGMMA_WIDTH, Instruction, candidates
from pipeline.superres.gpu.fused.kernel import KernelShape, LayerSegment
from pipeline.superres.gpu.fused.plan import segments
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.fused.stack import ConvolutionStack
from tests.superres.gpu.fused.networks import (
    BILINEAR,
    NEAREST,
    Builder,
    etds_network,
    joined_network,
    merging_network,
    reduced_network,
    repeating_network,
    stack_network,
)

FAMILIES: dict[str, Callable[[], onnx.ModelProto]] = {
    **{f"width {width}": partial(stack_network, width=width, inner=3, residual=NEAREST) for width in range(8, 65, 8)},
    "x3": partial(stack_network, width=24, scale=3, residual=NEAREST),
    "x4": partial(stack_network, width=16, scale=4, residual=BILINEAR),
    "x1": partial(stack_network, width=16, scale=1),
    "luma": partial(stack_network, width=16, planes=1, scale=2, residual=BILINEAR),
    "luma x3": partial(stack_network, width=40, planes=1, scale=3),
    "SiLU": partial(stack_network, width=32, inner=4, activation=Builder.silu),
    "layers joined": partial(joined_network, width=16),
    "SPAN 48x6": partial(synthetic.span, 48, 6, np.float32),
    "SPAN 40x2 x4": partial(synthetic.span, 40, 2, np.float32, scale=4),
    "three layers merged": partial(merging_network, width=24, inner=1, activation=Builder.silu),
    "ETDS": etds_network,
    "SPAN of 12 channels": partial(synthetic.span, 12, 2, np.float32),
    "x4 reduced to x2": reduced_network,
    "x4 reduced to x3": partial(reduced_network, width=16, factor=0.75),
    "repeating": partial(repeating_network, 2),
    "repeating luma": partial(repeating_network, 2, planes=1),
}
"""Networks that together have every operation of the fused kernels."""

GEFORCE, HOPPER = (99 * 1024, 100 * 1024), (227 * 1024, 228 * 1024)  # shared memory of a block, of a multiprocessor
_WITH_FP16_SUMS = ("width 8", "width 24", "width 40", "width 64", "SiLU", "SPAN 40x2 x4")


@dataclass(frozen=True)
class KernelCase:
    """One run.

    Attributes:
        family: A key of FAMILIES.
        instruction: What multiplies where it has kernels.
        size: (H, W) of the image.
        longest: Whether as many layers as possible are computed by a kernel, instead of one.
        limits: Shared memory of a block and of a multiprocessor, in bytes, that the shapes are chosen for.
    """

    family: str
    instruction: Instruction
    size: tuple[int, int]
    longest: bool
    limits: tuple[int, int]

    def kernels(self) -> list[tuple[int, LayerSegment, KernelShape]]:
        """The first layer, segment and shape of each kernel."""
        stack, start, found = stack_of(self.family), 0, list[tuple[int, LayerSegment, KernelShape]]()
        while start < len(stack.layers):
            possible = [
                (segment, shapes[0])
                for segment in segments(stack, start)
                if (shapes := candidates(segment, *self.limits, (self.instruction,)))
            ]
            segment, shape = possible[-1 if self.longest else 0]
            found.append((start, segment, shape))
            start += segment.layers
        return found


@cache
def stack_of(family: str) -> ConvolutionStack:
    """The layers of a family."""
    return recognise(FAMILIES[family]())


def kernel_cases(warpgroups: bool) -> list[KernelCase]:
    """All runs; those with wgmma only if the GPU has `warpgroups`."""
    cases = []
    for family in FAMILIES:
        instructions: list[Instruction] = ["mma"]
        instructions += ["wgmma"] if warpgroups and stack_of(family).width >= LEAST_WGMMA_WIDTH else []
        instructions += ["mma-fp16"] if family in _WITH_FP16_SUMS else []
        for instruction in instructions:
            own = HOPPER if warpgroups else GEFORCE
            cases += [
                KernelCase(family, instruction, (1, 1), True, own),
                KernelCase(family, instruction, (7, 61), False, own),
                KernelCase(family, instruction, (33, 131), True, GEFORCE),
            ]
    return cases

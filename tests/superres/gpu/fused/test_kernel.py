"""Shapes of fused kernels, and that every kernel compiles for every card since Ampere without spilling registers."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest

from pipeline.models import synthetic
from pipeline.superres.gpu.fused.candidates import ALL_INSTRUCTIONS, FP32_SUMS, Instruction, candidates
from pipeline.superres.gpu.fused.kernel import (
    SMALLEST_SHARED_BYTES,
    SOURCE_FILE,
    KernelShape,
    LayerSegment,
    macros,
)
from pipeline.superres.gpu.fused.plan import segments
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.kernels import kernel_source

AMPERE_MULTIPROCESSOR = 100 * 1024  # GeForce of compute capability 8.6, 8.9 and 12.0
HOPPER_BLOCK, HOPPER_MULTIPROCESSOR = 227 * 1024, 228 * 1024
WIDTHS = range(8, 65, 8)
CARDS = {
    "sm_80": (163 * 1024, 164 * 1024),
    "sm_86": (SMALLEST_SHARED_BYTES, AMPERE_MULTIPROCESSOR),
    "sm_89": (SMALLEST_SHARED_BYTES, AMPERE_MULTIPROCESSOR),
    "sm_90": (HOPPER_BLOCK, HOPPER_MULTIPROCESSOR),
    "sm_120": (SMALLEST_SHARED_BYTES, AMPERE_MULTIPROCESSOR),
}


def segment(
    width: int, first: bool = False, inner: int = 1, last: bool = False, scale: int = 2, joined: int = 0
) -> LayerSegment:
    smooth = (False,) * (first + bool(joined) + inner + last)
    return LayerSegment(width, first, inner, last, 3, scale, "nearest" if last else "none", smooth, joined=joined)


KINDS: dict[str, Any] = {
    "first": {"first": True, "inner": 0},
    "first and one": {"first": True, "inner": 1},
    "one": {"inner": 1},
    "two": {"inner": 2},
    "one and last": {"inner": 1, "last": True},
    "last": {"inner": 0, "last": True},
    "joined": {"joined": 4, "inner": 0},
    "joined and last": {"joined": 4, "inner": 0, "last": True},
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("card", CARDS)
def test_each_segment_has_a_shape_that_fits_each_gpu(card: str, kind: str, width: int) -> None:
    found = candidates(segment(width, **KINDS[kind]), *CARDS[card], ["mma"])
    assert found
    for shape in found:
        assert shape.shared_bytes(segment(width, **KINDS[kind])) <= CARDS[card][0]
        assert not shape.warpgroup
        assert not shape.half_sums


def test_wgmma_is_tried_first_from_32_channels_on_if_the_gpu_has_it() -> None:
    room = HOPPER_BLOCK, HOPPER_MULTIPROCESSOR
    assert candidates(segment(40), *room, FP32_SUMS)[0].warpgroup
    assert not any(shape.warpgroup for shape in candidates(segment(24), *room, FP32_SUMS))
    assert not any(shape.warpgroup for shape in candidates(segment(40, first=True, inner=0), *room, FP32_SUMS))


def test_sums_are_fp32_unless_fp16_is_requested() -> None:
    room = CARDS["sm_89"]
    assert not any(shape.half_sums for shape in candidates(segment(40), *room, FP32_SUMS))
    assert all(shape.half_sums for shape in candidates(segment(40), *room, ["mma-fp16"]))


def test_shapes_of_several_instructions_take_turns() -> None:
    found = candidates(segment(40), HOPPER_BLOCK, HOPPER_MULTIPROCESSOR, ALL_INSTRUCTIONS)
    assert [(shape.warpgroup, shape.half_sums) for shape in found[:3]] == [(True, False), (False, True), (False, False)]


def test_layers_without_wgmma_kernels_use_mma_if_nothing_else_is_allowed() -> None:
    found = candidates(segment(40, first=True, inner=0), HOPPER_BLOCK, HOPPER_MULTIPROCESSOR, ["wgmma"])
    assert found
    assert not any(shape.warpgroup or shape.half_sums for shape in found)


def test_fused_layers_compute_columns_at_the_edges_twice() -> None:
    assert KernelShape(4, 1, 6, 2).columns(segment(24)) == 64
    assert KernelShape(4, 1, 6, 2).columns(segment(24, first=True, inner=1, last=True)) == 60


def spilled(part: LayerSegment, shape: KernelShape, arch: str) -> int:
    """Compile the kernel; give the bytes of registers that were spilled to memory."""
    from cuda.core import Program, ProgramOptions

    log = io.StringIO()
    options = ProgramOptions(
        arch=arch, std="c++17", define_macro=sorted(macros(part, shape).items()), ptxas_options=["-v"]
    )
    Program(kernel_source(SOURCE_FILE), code_type="c++", options=options).compile("cubin", logs=log)
    return sum(map(int, re.findall(r"(\d+) bytes spill stores", log.getvalue())))


@pytest.mark.parametrize("kind", ["first and one", "one", "one and last"])
@pytest.mark.parametrize("arch", ["sm_86", "sm_90"])  # all of them, at every width, are a long test
def test_the_kernels_of_clear_x2_compile_without_spills(arch: str, kind: str) -> None:
    pytest.importorskip("cuda.core")
    part = segment(40, **KINDS[kind])
    assert spilled(part, candidates(part, *CARDS[arch], ["mma"])[0], arch) == 0


@pytest.mark.parametrize("arch", ["sm_80", "sm_120"])
def test_the_kernels_of_clear_x2_compile_with_sums_in_fp16(arch: str) -> None:
    pytest.importorskip("cuda.core")
    part = segment(40, **KINDS["first and one"])
    assert spilled(part, candidates(part, *CARDS[arch], ["mma-fp16"])[0], arch) == 0


def kinds_of_span(width: int) -> list[LayerSegment]:
    """The segments of SPAN: SiLU, gates, an offset of the image, and joined layers."""
    stack = recognise(synthetic.span(width, 2, np.float32))
    return list(dict.fromkeys(kind for start in range(len(stack.layers)) for kind in segments(stack, start)))


def test_the_joined_layers_of_span_compile_without_spills() -> None:
    pytest.importorskip("cuda.core")
    kinds = [kind for kind in kinds_of_span(48) if kind.joined or kind.epilogue == "gate"]
    assert len(kinds) == 4
    assert not any(spilled(kind, candidates(kind, *CARDS["sm_86"], ["mma"])[0], "sm_86") for kind in kinds)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("arch", [*CARDS, "sm_90a"])
def test_the_kernels_of_span_of_every_width_compile_without_spills(arch: str, width: int) -> None:
    pytest.importorskip("cuda.core")
    limits = CARDS[arch.removesuffix("a")]
    for kind in kinds_of_span(width):
        shape = candidates(kind, *limits, ["wgmma" if arch == "sm_90a" else "mma"])[0]
        assert spilled(kind, shape, arch) == 0, kind


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("instruction", ["mma", "mma-fp16"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("arch", CARDS)
def test_the_kernels_of_every_width_compile_without_spills(
    arch: str, width: int, kind: str, instruction: Instruction
) -> None:
    pytest.importorskip("cuda.core")
    part = segment(width, **KINDS[kind])
    assert spilled(part, candidates(part, *CARDS[arch], [instruction])[0], arch) == 0


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["first and one", "one", "two", "one and last", "last", "joined and last"])
@pytest.mark.parametrize("width", [32, 40, 48, 56, 64])
def test_the_wgmma_kernels_compile_without_spills(width: int, kind: str) -> None:
    pytest.importorskip("cuda.core")
    part = segment(width, **KINDS[kind])
    shapes = candidates(part, HOPPER_BLOCK, HOPPER_MULTIPROCESSOR, ["wgmma"])
    assert all(spilled(part, shape, "sm_90a") == 0 for shape in shapes if shape.warpgroup)

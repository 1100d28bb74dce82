"""The runs for compute-sanitizer contain every variant of the fused kernels."""

from __future__ import annotations

import pytest

from pipeline.superres.gpu.fused.kernel import LayerSegment
from tests.superres.gpu.fused.kernel_cases import FAMILIES, kernel_cases, stack_of


def kernels(warpgroups: bool = True) -> list[tuple[str, LayerSegment, bool, bool, bool]]:
    """Instruction, segment and flags of each kernel of all runs."""
    return [
        (case.instruction, segment, shape.warpgroup, shape.half_sums, shape.weights_in_shared)
        for case in kernel_cases(warpgroups)
        for _, segment, shape in case.kernels()
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_layer_of_a_family_is_computed_once(family: str) -> None:
    for case in kernel_cases(warpgroups=True):
        if case.family == family:
            assert sum(segment.layers for _, segment, _ in case.kernels()) == len(stack_of(family).layers)


def test_every_width_is_computed_by_every_instruction_that_has_kernels() -> None:
    found = {(segment.width, warpgroup) for _, segment, warpgroup, _, _ in kernels()}
    assert found >= {(width, False) for width in range(8, 65, 8)}
    assert found >= {(width, True) for width in range(32, 65, 8)}
    assert any(half_sums for _, _, _, half_sums, _ in kernels())


def test_weights_are_read_from_both_memories() -> None:
    assert {shared for *_, shared in kernels()} == {True, False}


def test_all_kinds_of_segments_activations_and_epilogues_occur() -> None:
    found = [segment for _, segment, *_ in kernels()]
    assert {(s.first, min(s.inner, 1), s.last) for s in found} >= {
        (True, 0, False),
        (True, 1, False),
        (False, 1, False),
        (False, 1, True),
        (False, 0, True),
    }
    assert {s.epilogue for s in found} >= {"none", "add", "gate"}
    assert {s.residual for s in found} >= {"none", "nearest", "bilinear"}
    assert {s.scale for s in found} == {1, 2, 3, 4}
    assert {s.planes for s in found} == {1, 3}
    assert any(any(s.smooth) for s in found)


def test_gpus_without_wgmma_get_no_kernels_with_it() -> None:
    assert not any(warpgroup for _, _, warpgroup, _, _ in kernels(warpgroups=False))

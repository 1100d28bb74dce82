from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest

from pipeline.models import synthetic
from pipeline.superres.gpu.fused.kernel import BlockGrid, KernelShape
from pipeline.superres.gpu.fused.plan import KernelPlan, PlannedKernel, segments
from pipeline.superres.gpu.fused.program import FusedProgram, assemble
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.fused.stack import ConvolutionStack
from tests.superres.gpu.fused.networks import joined_network, reduced_network

SHAPE, GRID = KernelShape(4, 1, 3, 2), BlockGrid(1, 8, 1)


def one_by_one(stack: ConvolutionStack) -> KernelPlan:
    """A plan with a kernel for each layer."""
    return tuple(
        PlannedKernel(start, next(segments(stack, start)), SHAPE, GRID, 1.0) for start in range(len(stack.layers))
    )


@pytest.fixture
def srvgg() -> FusedProgram:
    stack = recognise(synthetic.srvgg(16, 3, np.float32))
    return assemble(stack, one_by_one(stack))


@pytest.fixture
def joined() -> FusedProgram:
    stack = recognise(joined_network())
    return assemble(stack, one_by_one(stack))


def test_a_stack_needs_two_buffers_in_turn(srvgg: FusedProgram) -> None:
    assert srvgg.buffers() == [0, 1, 0, 1]


def test_a_buffer_that_is_read_again_is_kept_until_then(joined: FusedProgram) -> None:
    buffers, steps = joined.buffers(), joined.steps
    assert [step.operand for step in steps] == [None, None, 0, None, 2, None]
    for number, step in enumerate(steps):
        if step.operand is not None:
            written_meanwhile = buffers[step.operand + 1 : number + 1]
            assert buffers[step.operand] not in written_meanwhile


def test_a_program_is_unchanged_by_a_round_trip_through_a_file(joined: FusedProgram) -> None:
    loaded = FusedProgram.load(joined.dump())
    for before, after in zip(joined.steps, loaded.steps, strict=True):
        assert (before.segment, before.shape, before.grid, before.operand) == (
            after.segment,
            after.shape,
            after.grid,
            after.operand,
        )
        for name in ("weights", "biases", "slopes"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_outputs_that_are_joined_are_kept_until_then() -> None:
    """No buffer that a later step reads is written before, and the buffers are as few as the tensors in use."""
    stack = recognise(synthetic.span(8, 6, np.float32))
    program = assemble(stack, one_by_one(stack))
    buffers, steps = program.buffers(), program.steps
    assert steps[-2].joined == (0, 19, 3, 16)
    for number, step in enumerate(steps):
        for read in (*step.joined, *([] if step.operand is None else [step.operand])):
            assert buffers[read] not in buffers[read + 1 : number + 1]
    assert (
        len(set(buffers)) == 6
    )  # widened image, outputs of the first and the last but one block, and three in the last


def test_a_program_with_joined_steps_is_unchanged_by_a_round_trip_through_a_file() -> None:
    stack = recognise(synthetic.span(8, 2, np.float32))
    program = assemble(stack, one_by_one(stack))
    loaded = FusedProgram.load(program.dump())
    assert [step.joined for step in loaded.steps] == [step.joined for step in program.steps]
    assert [step.segment for step in loaded.steps] == [step.segment for step in program.steps]


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a program of fused kernels|allow_pickle"):
        FusedProgram.load(content)


def test_biases_and_slopes_of_a_step_are_padded_to_its_widest_layer(srvgg: FusedProgram) -> None:
    last = srvgg.steps[-1]
    assert last.biases.shape == last.slopes.shape == (1, 16)
    assert (last.slopes == 1).all()
    assert last.weights.nbytes == last.segment.weight_bytes


def test_the_reduction_of_the_output_is_kept_in_a_file() -> None:
    stack = recognise(reduced_network(factor=0.75))
    program = assemble(stack, one_by_one(stack))
    assert FusedProgram.load(program.dump()).reduction == Fraction(3, 4)


def test_a_program_of_an_earlier_version_is_no_program() -> None:
    file = io.BytesIO()
    np.savez(file, program=np.frombuffer(b"[]", np.uint8))
    with pytest.raises(ValueError, match="not a program of fused kernels"):
        FusedProgram.load(file.getvalue())

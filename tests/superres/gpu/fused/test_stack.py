from __future__ import annotations

import numpy as np
import onnx

from pipeline.superres.gpu.fused.recognition import recognise
from tests.superres.gpu.fused.networks import joined_network, stack_network


def test_slopes_of_a_recognised_stack_are_at_most_one_or_of_negated_channels() -> None:
    """max(x, slope * x) is PReLU for slopes up to 1, and its negative for the negated channels of those above."""
    stack = recognise(stack_network(inner=3))
    before = _slopes(stack_network(inner=3))
    after = [layer.slope for layer in stack.layers[:-1]]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert any((slope > 1).any() for slope in after)


def test_the_layers_that_are_read_again_are_listed() -> None:
    assert recognise(joined_network()).operands == {0, 2}


def test_the_width_of_a_stack_is_that_of_its_inner_layers() -> None:
    assert recognise(stack_network(width=16)).width == 16


def _slopes(model: onnx.ModelProto) -> list[np.ndarray]:
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return [constants[node.input[1]].ravel() for node in model.graph.node if node.op_type == "PRelu"]

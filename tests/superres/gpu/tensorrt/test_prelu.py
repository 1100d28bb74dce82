from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.models import catalogue, synthetic
from pipeline.superres.gpu.tensorrt.prelu import prelu_as_max
from tests.superres.gpu.fused.networks import Builder, stack_network


def output_of(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: image})
    return np.asarray(output)


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def assert_same(
    model: onnx.ModelProto, dtype: type[np.floating] = np.float32, tolerance: float = 1e-6
) -> onnx.ModelProto:
    rewritten = prelu_as_max(model)
    onnx.checker.check_model(rewritten, full_check=True)
    image = np.random.default_rng(0).random((1, 3, 9, 11)).astype(dtype)
    np.testing.assert_allclose(output_of(rewritten, image), output_of(model, image), atol=tolerance)
    return rewritten


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_clear_x2_whose_slopes_exceed_1_computes_the_same_without_prelu(dtype: type[np.floating]) -> None:
    model = onnx.load(catalogue.find("clear-x2", dtype).path)
    rewritten = assert_same(model, dtype, tolerance=1e-6 if dtype is np.float32 else 2e-3)
    assert "PRelu" not in kinds(rewritten)
    assert kinds(rewritten).count("Max") == 7


def test_srvgg_computes_the_same_without_prelu() -> None:
    assert "PRelu" not in kinds(assert_same(synthetic.srvgg(16, 3, np.float32)))


def test_negative_and_steep_slopes_compute_the_same() -> None:
    assert "PRelu" not in kinds(assert_same(stack_network(inner=3)))


def test_the_model_itself_is_not_changed() -> None:
    model = stack_network()
    before = model.SerializeToString()
    prelu_as_max(model)
    assert model.SerializeToString() == before


def branching(steep: bool) -> onnx.ModelProto:
    """A PReLU whose output is read by a convolution and by an addition."""
    b = Builder()
    first = b.prelu(b.conv("input", 3, 8), 8, high=1.6 if steep else 0.9)
    second = b.node("Add", b.conv(first, 8, 8), first)
    return b.model(b.node("DepthToSpace", b.conv(second, 8, 12), blocksize=2), 2)


def test_a_steep_prelu_stays_where_something_else_reads_it() -> None:
    assert "PRelu" in kinds(assert_same(branching(steep=True)))


def test_a_prelu_with_slopes_up_to_1_is_rewritten_wherever_it_is() -> None:
    assert "PRelu" not in kinds(assert_same(branching(steep=False)))


def test_weights_that_two_convolutions_share_are_negated_for_one_of_them_alone() -> None:
    b = Builder()
    first = b.prelu(b.conv("input", 3, 8), 8, low=1.2)
    weight, bias = b.constant(np.random.default_rng(2).standard_normal((8, 8, 3, 3)) / 8), b.constant(np.zeros(8))
    second = b.node("Conv", first, weight, bias, pads=[1] * 4)
    third = b.node("Conv", second, weight, bias, pads=[1] * 4)
    assert_same(b.model(b.node("DepthToSpace", b.conv(third, 8, 12), blocksize=2), 2))

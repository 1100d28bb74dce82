"""Conversion of networks between precisions: types, rounding, refusals, and engines of the converted networks."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from pipeline.colour.psnr import psnr
from pipeline.errors import ModelError
from pipeline.models import catalogue, synthetic
from pipeline.models.precision import PRECISIONS, convert_precision, detect_precision

FORMS = ["fp32", "fp16", "bf16"]
CODES = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


def clear(precision: str = "fp32") -> onnx.ModelProto:
    return onnx.load(catalogue.find("clear-x2", precision).path)


def structure(model: onnx.ModelProto) -> list[tuple[str, list[str], list[str]]]:
    return [(node.op_type, list(node.input), list(node.output)) for node in model.graph.node]


def weight_types(model: onnx.ModelProto) -> set[int]:
    return {tensor.data_type for tensor in model.graph.initializer}


def end_types(model: onnx.ModelProto) -> list[int]:
    return [tensor.type.tensor_type.elem_type for tensor in (*model.graph.input, *model.graph.output)]


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kind = np.float16 if "float16" in session.get_inputs()[0].type else np.float32
    (output,) = session.run(None, {session.get_inputs()[0].name: image.astype(kind)})
    return np.asarray(output, np.float64)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random((1, 3, 32, 48)).round(2)


def network(nodes: list[onnx.NodeProto], opset: int = 17, **weights: np.ndarray) -> onnx.ModelProto:
    """A float32 network from "input" to "output"."""
    source = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [None] * 4)
    constants = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "network", [source], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


@pytest.mark.parametrize("precision", FORMS)
def test_a_network_in_the_requested_precision_is_returned_unchanged(precision: str) -> None:
    model = clear(precision)
    assert detect_precision(model) == precision
    assert convert_precision(model, precision) is model


@pytest.mark.parametrize("name", ["identity", "nearest"])
@pytest.mark.parametrize("precision", FORMS)
def test_a_network_without_weights_has_a_precision(name: str, precision: str) -> None:
    model = convert_precision(getattr(synthetic, name)(np.float32), precision)
    assert detect_precision(model) == precision


def test_tf32_uses_the_graph_of_fp32() -> None:
    model = clear("fp32")
    assert convert_precision(model, "tf32") is model


def test_a_round_trip_preserves_the_structure() -> None:
    model = clear("fp32")
    back = convert_precision(convert_precision(model, "fp16"), "fp32")
    assert structure(back) == structure(model)
    assert end_types(back) == end_types(model)
    for before, after in zip(model.graph.initializer, back.graph.initializer, strict=True):
        rounded = numpy_helper.to_array(before).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(numpy_helper.to_array(after), rounded)


def test_a_conversion_to_fp16_equals_the_exported_fp16_model() -> None:
    assert convert_precision(clear("fp32"), "fp16").graph == clear("fp16").graph


def test_the_original_model_is_not_modified() -> None:
    model = clear("fp32")
    before = model.SerializeToString()
    convert_precision(model, "bf16")
    assert model.SerializeToString() == before


@pytest.mark.parametrize(("precision", "least"), [("fp16", 55), ("bf16", 40)])
@pytest.mark.parametrize("name", ["clear-x2", "srvgg-24x8"])
def test_the_output_of_a_converted_network_is_close_to_the_original(
    image: np.ndarray, name: str, precision: str, least: float
) -> None:
    model = onnx.load(catalogue.find(name, "fp32").path)
    other = convert_precision(model, precision)
    runnable = convert_precision(other, "fp32") if precision == "bf16" else other  # ONNX Runtime has no bf16 on CPUs
    assert psnr(run(model, image), run(runnable, image), peak=1) > least


def test_a_network_in_bf16_has_a_cast_at_each_end() -> None:
    model = convert_precision(clear("fp32"), "bf16")
    assert weight_types(model) == {TensorProto.BFLOAT16}
    assert end_types(model) == [TensorProto.FLOAT16] * 2
    casts = [helper.get_attribute_value(n.attribute[0]) for n in model.graph.node if n.op_type == "Cast"]
    assert casts == [TensorProto.BFLOAT16, TensorProto.FLOAT16]
    assert (model.graph.node[0].op_type, model.graph.node[-1].op_type) == ("Cast", "Cast")


IN_RANGE = st.floats(width=32, min_value=-(2.0**127), max_value=2.0**127) | st.sampled_from([np.inf, -np.inf, np.nan])


@given(st.lists(IN_RANGE, min_size=1))
def test_bf16_weights_are_rounded_correctly(values: list[float]) -> None:
    weights = np.array(values, np.float32)
    model = network([helper.make_node("Add", ["input", "bias"], ["output"])], bias=weights)
    (stored,) = convert_precision(model, "bf16").graph.initializer
    kept = np.frombuffer(stored.raw_data, "<u2").astype(np.uint32) << 16  # float32's upper half
    np.testing.assert_array_equal(kept.view(np.float32), rounded_to_8_bits(weights.astype(np.float64)))


def rounded_to_8_bits(values: np.ndarray) -> np.ndarray:
    """bfloat16 in float64 arithmetic: 8 significant bits, exponents from -126, ties to even."""
    _, exponent = np.frexp(values)
    step = np.ldexp(1.0, np.maximum(exponent, -125) - 8)
    return np.where(np.isfinite(values), np.rint(values / step) * step, values)


@pytest.mark.parametrize("precision", FORMS)
def test_the_scales_of_a_resize_stay_float32(precision: str) -> None:
    assert weight_types(convert_precision(synthetic.nearest(np.float32), precision)) == {TensorProto.FLOAT}


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_values_computed_from_the_size_keep_their_type(image: np.ndarray, precision: str) -> None:
    nodes = [
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["sizes"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["sizes", "sizes"], ["ones"]),
        helper.make_node("Mul", ["ones", "two"], ["factors"]),
        helper.make_node("Div", ["input", "two"], ["halved"]),
        helper.make_node("Resize", ["halved", "", "factors"], ["large"], mode="nearest"),
        helper.make_node("ReduceMax", ["factors"], ["factor"], keepdims=0),
        helper.make_node("Mul", ["large", "factor"], ["output"]),
    ]
    model = network(nodes, two=np.array([2], np.float32))
    other = convert_precision(model, precision)
    types = {
        node.output[0]: helper.get_attribute_value(node.attribute[0])
        for node in other.graph.node
        if node.op_type == "Cast"
    }
    assert types["sizes"] == TensorProto.FLOAT
    assert types[f"two.{precision}"] == types[f"factor.{precision}"] == CODES[precision]


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Constant", [], ["bias"], value=numpy_helper.from_array(np.full(1, 0.1, np.float32))),
        helper.make_node(
            "ConstantOfShape", ["one"], ["bias"], value=numpy_helper.from_array(np.full(1, 0.1, np.float32))
        ),
    ],
)
def test_constant_nodes_are_converted(image: np.ndarray, node: onnx.NodeProto) -> None:
    model = network([node, helper.make_node("Add", ["input", "bias"], ["output"])], one=np.ones(1, np.int64))
    other = convert_precision(model, "fp16")
    assert structure(other) == structure(model)
    assert psnr(run(model, image), run(other, image), peak=1) > 60


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Constant", [], ["bias"], value_float=0.1),
        helper.make_node("ConstantOfShape", ["one"], ["bias"]),
    ],
)
def test_constant_nodes_without_a_tensor_are_cast(image: np.ndarray, node: onnx.NodeProto) -> None:
    model = network([node, helper.make_node("Add", ["input", "bias"], ["output"])], one=np.ones(1, np.int64))
    assert psnr(run(model, image), run(convert_precision(model, "fp16"), image), peak=1) > 60


def test_the_precision_of_a_mixed_network_is_that_of_most_operations(image: np.ndarray) -> None:
    """The graph is what exporters write that keep float32 at both ends."""
    nodes = [
        helper.make_node("Cast", ["input"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["half", "gain"], ["mul"]),
        helper.make_node("Add", ["mul", "gain"], ["add"]),
        helper.make_node("Cast", ["add"], ["output"], to=TensorProto.FLOAT),
    ]
    model = network(nodes, gain=np.array(0.5, np.float16))
    assert detect_precision(model) == "fp16"
    assert convert_precision(model, "fp16") is model
    converted = convert_precision(model, "fp32")
    assert structure(converted) == structure(model)
    assert weight_types(converted) == {TensorProto.FLOAT}
    np.testing.assert_allclose(run(converted, image), run(model, image), atol=1e-3)


class TestRefused:
    @pytest.mark.parametrize(
        ("value", "precision", "largest"), [(1e5, "fp16", "6.55e+04"), (3.4e38, "bf16", "3.39e+38")]
    )
    def test_a_weight_beyond_the_range_is_refused(self, value: float, precision: str, largest: str) -> None:
        node = helper.make_node("Add", ["input", "bias"], ["output"])
        model = network([node], bias=np.array([0.1, -value], np.float32))
        with pytest.raises(ModelError) as error:
            convert_precision(model, precision)
        assert (
            str(error.value)
            == f"bias contains {value:.4g}; the largest value of {precision} is {float(largest):.3g}: use fp32"
        )

    def test_an_unknown_precision_is_refused(self) -> None:
        with pytest.raises(ModelError, match="no precision called 'int8'; there are fp32, tf32, fp16, bf16"):
            convert_precision(synthetic.identity(np.float32), "int8")

    def test_a_branch_is_refused(self) -> None:
        inner = helper.make_tensor_value_info("inner", TensorProto.FLOAT, [None] * 4)
        body = helper.make_graph([helper.make_node("Identity", ["input"], ["inner"])], "body", [], [inner])
        node = helper.make_node("If", ["always"], ["output"], then_branch=body, else_branch=body)
        with pytest.raises(ModelError, match="If can't be converted to fp16; export the model in fp16"):
            convert_precision(network([node], always=np.array(True)), "fp16")

    def test_an_operator_without_bf16_is_refused(self) -> None:
        model = network([helper.make_node("Shrink", ["input"], ["output"])])
        with pytest.raises(ModelError, match=r"can't be converted to bf16 \(.*Shrink.*\); export the model in bf16"):
            convert_precision(model, "bf16")


@pytest.mark.parametrize("name", [*catalogue.embedded(), "identity", "srvgg-24x8"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_named_model_builds_a_tensorrt_rtx_engine(name: str, precision: str) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: no engine was built")
    from pipeline.superres.gpu.tensorrt import engine, library

    plan = engine.build_engine(library.load("rtx"), catalogue.find(name, precision), engine.Shapes.fixed(180, 320))
    assert len(plan) > 10_000

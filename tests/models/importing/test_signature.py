"""The signature of a network: what its graph shows, and which graphs are refused."""

from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.importing.conventions import Overrides
from pipeline.models.importing.signature import read_signature


def model_of(shape: list[Any], code: int = onnx.TensorProto.FLOAT) -> onnx.ModelProto:
    """An identity with this input."""
    model = synthetic.identity(np.float32)
    for tensor in (model.graph.input[0], model.graph.output[0]):
        tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, code, shape))
    return model


def refusal(model: onnx.ModelProto, overrides: Overrides | None = None) -> str:
    with pytest.raises(ModelError) as refused:
        read_signature(model, overrides or Overrides())
    return str(refused.value)


@pytest.mark.parametrize(
    ("shape", "forms"),
    [
        ([1, 3, "h", "w"], [("nchw", 3)]),
        (["n", 3, 64, 96], [("nchw", 3)]),
        ([1, 1, "h", "w"], [("nchw", 1)]),
        ([1, "h", "w", 3], [("nhwc", 3)]),
        ([1, "h", "w", 1], [("nhwc", 1)]),
        ([1, 3, "h", 3], [("nchw", 3), ("nhwc", 3)]),
        (["a", "b", "c", "d"], [("nchw", 3), ("nchw", 1), ("nhwc", 3), ("nhwc", 1)]),
        (["a", "b", "c", 3], [("nhwc", 3)]),
    ],
)
def test_layout_and_channels_follow_from_the_shape(shape: list[Any], forms: list[tuple[str, int]]) -> None:
    assert list(read_signature(model_of(shape), Overrides()).forms) == forms


@pytest.mark.parametrize(
    ("shape", "size"), [([1, 3, 64, 96], (64, 96)), ([1, 64, 96, 3], (64, 96)), ([1, 3, 64, "w"], None)]
)
def test_a_single_size_is_found_in_either_layout(shape: list[Any], size: tuple[int, int] | None) -> None:
    assert read_signature(model_of(shape), Overrides()).size == size


def test_a_dimension_of_0_is_free() -> None:
    assert read_signature(model_of([0, 3, 0, 0]), Overrides()).size is None


@pytest.mark.parametrize(
    ("code", "name"), [("FLOAT", "float32"), ("FLOAT16", "float16"), ("DOUBLE", "float64"), ("UINT8", "uint8")]
)
def test_element_types_are_found(code: str, name: str) -> None:
    signature = read_signature(model_of([1, 3, "h", "w"], onnx.TensorProto.DataType.Value(code)), Overrides())
    assert (signature.input_dtype, signature.output_dtype) == (name, name)


@pytest.mark.parametrize("code", ["BFLOAT16", "INT8", "INT64", "FLOAT8E4M3FN", "BOOL"])
def test_other_element_types_are_refused(code: str) -> None:
    message = refusal(model_of([1, 3, "h", "w"], onnx.TensorProto.DataType.Value(code)))
    assert message.startswith(f"its input is {code.lower()}; float32, float16, float64 and uint8 are supported")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1, 5, 3, "h", "w"], r"\(1, 5, 3, any, any\), several frames at once"),
        ([3, "h", "w"], r"\(3, any, any\); \(1, 3, H, W\) or"),
        ([4, 3, "h", "w"], "4 images at once; export it with a batch of 1"),
        ([1, 15, "h", "w"], "several frames or other data in one image; 3 channels of RGB or 1 of luma"),
        ([1, 4, "h", "w"], "3 channels of RGB or 1 of luma"),
    ],
)
def test_inputs_that_are_no_image_are_refused(shape: list[Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_signature(model_of(shape), Overrides())


def test_two_inputs_are_refused() -> None:
    model = model_of([1, 3, "h", "w"])
    model.graph.input.append(onnx.helper.make_tensor_value_info("noise", onnx.TensorProto.FLOAT, [1]))
    assert refusal(model) == "2 inputs and 1 outputs; an upscaler has one of each"


def test_weights_that_are_listed_as_inputs_are_no_inputs() -> None:
    model = synthetic.srvgg(8, 1, np.float32)
    weight = model.graph.initializer[0]
    model.graph.input.append(onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    assert read_signature(model, Overrides()).input == "input"


class TestOverrides:
    def test_the_layout_is_stated(self) -> None:
        signature = read_signature(model_of(["a", "b", "c", "d"]), Overrides(layout="nhwc"))
        assert signature.forms == (("nhwc", 3), ("nhwc", 1))

    def test_the_channels_are_stated(self) -> None:
        signature = read_signature(model_of(["a", "b", "c", "d"]), Overrides(channels="y"))
        assert signature.forms == (("nchw", 1), ("nhwc", 1))

    def test_a_statement_that_contradicts_the_graph_is_refused(self) -> None:
        message = refusal(model_of([1, 3, "h", "w"]), Overrides(channels="y", layout="nchw"))
        assert "`model_layout` nchw and `model_channels` y was given" in message

    @pytest.mark.parametrize("overrides", [Overrides(channels="yuv"), Overrides(layout="chw")])
    def test_an_unknown_statement_is_refused(self, overrides: Overrides) -> None:
        assert "should be one of" in refusal(model_of([1, 3, "h", "w"]), overrides)

"""ONNX files: what they say of themselves, and what is refused, in one line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.inspection import inspect

Save = Callable[[onnx.ModelProto], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(model: onnx.ModelProto) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_scale_dtype_and_names_are_found_out(save: Save, dtype: type[np.floating], scale: int) -> None:
    spec = inspect(save(synthetic.nearest(dtype, scale)))
    assert (spec.scale, spec.dtype, spec.input, spec.output) == (scale, np.dtype(dtype), "input", "output")
    assert spec.size is None


def test_metadata_is_read(save: Save) -> None:
    model = synthetic.identity(np.float32)
    facts = {"uprez.name": "mine", "uprez.channels": "bgr", "uprez.range": "255", "uprez.licence": "MIT"}
    onnx.helper.set_model_props(model, facts)
    spec = inspect(save(model))
    assert (spec.name, spec.order, spec.value_range, spec.licence) == ("mine", "bgr", 255.0, "MIT")


@pytest.mark.parametrize("scale", [1, 2])
def test_one_channel_is_luma(save: Save, scale: int) -> None:
    spec = inspect(save(synthetic.nearest(np.float32, scale, channels=1)))
    assert (spec.order, spec.channels, spec.scale, spec.name) == ("y", 1, scale, f"nearest-x{scale}-luma")


@pytest.mark.parametrize(("said", "channels"), [({}, 3), ({"uprez.channels": "bgr"}, 3), ({"uprez.channels": "y"}, 1)])
def test_where_any_number_of_channels_is_taken_the_file_may_say_which(
    save: Save, said: dict[str, str], channels: int
) -> None:
    model = synthetic.identity(np.float32)
    for tensor in (model.graph.input[0], model.graph.output[0]):
        _resize(tensor, [1, "c", "h", "w"])
    onnx.helper.set_model_props(model, said)
    assert inspect(save(model)).channels == channels


def test_a_fixed_size_is_noticed(save: Save) -> None:
    model = synthetic.identity(np.float32)
    _resize(model.graph.input[0], [1, 3, 24, 40])
    _resize(model.graph.output[0], [1, 3, 24, 40])
    assert inspect(save(model)).size == (24, 40)


def _resize(tensor: onnx.ValueInfoProto, shape: list[int | str]) -> None:
    code = tensor.type.tensor_type.elem_type
    tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, code, shape))


class TestRefused:
    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"nothing\.onnx: No such file.*uprez models"):
            inspect(tmp_path / "nothing.onnx")

    @pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x08" * 40])
    def test_a_file_that_is_no_model(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "broken.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match="not a valid ONNX model"):
            inspect(path)

    def test_a_truncated_model(self, save: Save) -> None:
        path = save(synthetic.srvgg(8, 2, np.float32))
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(ModelError, match="not a valid ONNX model"):
            inspect(path)

    @pytest.mark.parametrize(
        ("shape", "said"),
        [
            ([1, "h", "w", 3], r"\(1, any, any, 3\), channels last.*channels first"),
            ([1, 2, "h", "w"], r"\(1, 2, any, any\); frames come as \(1, 3, H, W\).* or \(1, 1, H, W\), luma"),
            ([4, 3, "h", "w"], r"\(4, 3, any, any\)"),
            ([3, "h", "w"], r"\(3, any, any\)"),
            ([1, 3, 24, "w"], "both H and W must be free, or both fixed"),
        ],
    )
    def test_an_input_of_another_shape(self, save: Save, shape: list[int | str], said: str) -> None:
        model = synthetic.identity(np.float32)
        _resize(model.graph.input[0], shape)
        _resize(model.graph.output[0], shape)
        with pytest.raises(ModelError, match=said):
            inspect(save(model))

    def test_two_inputs(self, save: Save) -> None:
        model = synthetic.identity(np.float32)
        model.graph.input.append(onnx.helper.make_tensor_value_info("second", onnx.TensorProto.FLOAT, [1]))
        with pytest.raises(ModelError, match="2 inputs and 1 outputs"):
            inspect(save(model))

    def test_a_dtype_that_is_no_picture(self, save: Save) -> None:
        model = synthetic.identity(np.float32)
        for tensor in (model.graph.input[0], model.graph.output[0]):
            tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, onnx.TensorProto.INT64, [1, 3, "h", "w"]))
        with pytest.raises(ModelError, match="from int64 to int64"):
            inspect(save(model))

    def test_a_network_that_enlarges_one_way_only(self, save: Save) -> None:
        model = synthetic.nearest(np.float32)
        factors = onnx.numpy_helper.from_array(np.array([1, 1, 2, 1], np.float32), "factors")
        model.graph.initializer[0].CopyFrom(factors)
        _resize(model.graph.output[0], [1, 3, "h", "w"])
        with pytest.raises(ModelError, match=r"turns \(1, 3, 24, 40\) into \(1, 3, 48, 40\)"):
            inspect(save(model))

    def test_a_network_that_colours_luma(self, save: Save) -> None:
        model = synthetic.identity(np.float32, channels=1)
        model.graph.node[0].CopyFrom(onnx.helper.make_node("Concat", ["input"] * 3, ["output"], axis=1))
        _resize(model.graph.output[0], [1, 3, "h", "w"])
        with pytest.raises(ModelError, match=r"turns \(1, 1, 24, 40\) into \(1, 3, 24, 40\)"):
            inspect(save(model))

    def test_luma_that_says_it_is_rgb(self, save: Save) -> None:
        model = synthetic.identity(np.float32, channels=1)
        onnx.helper.set_model_props(model, {"uprez.channels": "rgb"})
        with pytest.raises(ModelError, match=r"uprez\.channels = 'rgb'; y is supported"):
            inspect(save(model))

    def test_metadata_that_means_nothing_here(self, save: Save) -> None:
        model = synthetic.identity(np.float32)
        onnx.helper.set_model_props(model, {"uprez.channels": "yuv"})
        with pytest.raises(ModelError, match=r"uprez\.channels = 'yuv'; rgb or bgr"):
            inspect(save(model))

"""Inspection of ONNX files: the facts that are found, and the files that are refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.inspection import inspect_model

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
def test_inspection_finds_scale_dtype_and_tensor_names(save: Save, dtype: type[np.floating], scale: int) -> None:
    spec = inspect_model(save(synthetic.nearest(dtype, scale)))
    assert (spec.scale, spec.dtype, spec.input, spec.output) == (scale, np.dtype(dtype), "input", "output")
    assert spec.size is None


def test_inspection_reads_the_metadata(save: Save) -> None:
    model = synthetic.identity(np.float32)
    facts = {"uprez.name": "mine", "uprez.channels": "bgr", "uprez.range": "255", "uprez.licence": "MIT"}
    onnx.helper.set_model_props(model, facts)
    spec = inspect_model(save(model))
    assert (spec.name, spec.order, spec.value_range, spec.licence) == ("mine", "bgr", 255.0, "MIT")


@pytest.mark.parametrize("scale", [1, 2])
def test_a_network_of_one_channel_is_for_luma(save: Save, scale: int) -> None:
    spec = inspect_model(save(synthetic.nearest(np.float32, scale, channels=1)))
    assert (spec.order, spec.channels, spec.scale, spec.name) == ("y", 1, scale, f"nearest-x{scale}-luma")


@pytest.mark.parametrize(
    ("metadata", "channels"), [({}, 3), ({"uprez.channels": "bgr"}, 3), ({"uprez.channels": "y"}, 1)]
)
def test_the_metadata_selects_the_channels_of_a_network_for_any_number(
    save: Save, metadata: dict[str, str], channels: int
) -> None:
    model = synthetic.identity(np.float32)
    for tensor in (model.graph.input[0], model.graph.output[0]):
        _resize(tensor, [1, "c", "h", "w"])
    onnx.helper.set_model_props(model, metadata)
    assert inspect_model(save(model)).channels == channels


def test_inspection_finds_a_fixed_size(save: Save) -> None:
    model = synthetic.identity(np.float32)
    _resize(model.graph.input[0], [1, 3, 24, 40])
    _resize(model.graph.output[0], [1, 3, 24, 40])
    assert inspect_model(save(model)).size == (24, 40)


def _resize(tensor: onnx.ValueInfoProto, shape: list[int | str]) -> None:
    code = tensor.type.tensor_type.elem_type
    tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, code, shape))


class TestRefused:
    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"nothing\.onnx: No such file.*uprez models"):
            inspect_model(tmp_path / "nothing.onnx")

    @pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x08" * 40])
    def test_a_file_that_is_no_model_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "broken.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match="not a valid ONNX model"):
            inspect_model(path)

    def test_a_truncated_model_is_refused(self, save: Save) -> None:
        path = save(synthetic.srvgg(8, 2, np.float32))
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(ModelError, match="not a valid ONNX model"):
            inspect_model(path)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ([1, "h", "w", 3], r"\(1, any, any, 3\), channels last.*channels first"),
            ([1, 2, "h", "w"], r"\(1, 2, any, any\); \(1, 3, H, W\), .* and \(1, 1, H, W\), luma"),
            ([4, 3, "h", "w"], r"\(4, 3, any, any\)"),
            ([3, "h", "w"], r"\(3, any, any\)"),
            ([1, 3, 24, "w"], "H and W must be both free or both fixed"),
        ],
    )
    def test_an_input_of_an_unsupported_shape_is_refused(
        self, save: Save, shape: list[int | str], message: str
    ) -> None:
        model = synthetic.identity(np.float32)
        _resize(model.graph.input[0], shape)
        _resize(model.graph.output[0], shape)
        with pytest.raises(ModelError, match=message):
            inspect_model(save(model))

    def test_two_inputs_are_refused(self, save: Save) -> None:
        model = synthetic.identity(np.float32)
        model.graph.input.append(onnx.helper.make_tensor_value_info("second", onnx.TensorProto.FLOAT, [1]))
        with pytest.raises(ModelError, match="2 inputs and 1 outputs"):
            inspect_model(save(model))

    def test_an_integer_network_is_refused(self, save: Save) -> None:
        model = synthetic.identity(np.float32)
        for tensor in (model.graph.input[0], model.graph.output[0]):
            tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, onnx.TensorProto.INT64, [1, 3, "h", "w"]))
        with pytest.raises(ModelError, match="converts int64 to int64"):
            inspect_model(save(model))

    def test_a_network_that_enlarges_one_axis_only_is_refused(self, save: Save) -> None:
        model = synthetic.nearest(np.float32)
        factors = onnx.numpy_helper.from_array(np.array([1, 1, 2, 1], np.float32), "factors")
        model.graph.initializer[0].CopyFrom(factors)
        _resize(model.graph.output[0], [1, 3, "h", "w"])
        with pytest.raises(ModelError, match=r"converts \(1, 3, 24, 40\) to \(1, 3, 48, 40\)"):
            inspect_model(save(model))

    def test_a_network_from_luma_to_rgb_is_refused(self, save: Save) -> None:
        model = synthetic.identity(np.float32, channels=1)
        model.graph.node[0].CopyFrom(onnx.helper.make_node("Concat", ["input"] * 3, ["output"], axis=1))
        _resize(model.graph.output[0], [1, 3, "h", "w"])
        with pytest.raises(ModelError, match=r"converts \(1, 1, 24, 40\) to \(1, 3, 24, 40\)"):
            inspect_model(save(model))

    def test_a_luma_network_whose_metadata_says_rgb_is_refused(self, save: Save) -> None:
        model = synthetic.identity(np.float32, channels=1)
        onnx.helper.set_model_props(model, {"uprez.channels": "rgb"})
        with pytest.raises(ModelError, match=r"uprez\.channels = 'rgb'; y is supported"):
            inspect_model(save(model))

    def test_metadata_of_an_unknown_value_is_refused(self, save: Save) -> None:
        model = synthetic.identity(np.float32)
        onnx.helper.set_model_props(model, {"uprez.channels": "yuv"})
        with pytest.raises(ModelError, match=r"uprez\.channels = 'yuv'; rgb or bgr"):
            inspect_model(save(model))

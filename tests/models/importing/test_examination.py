"""The examination of model files: what is found, and what is refused. Runs in this process, without limits."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.importing.conventions import BYTES, SIGNED, UNIT, Conventions, Overrides, ValueRange
from pipeline.models.importing.examination import examine
from tests.models.importing.foreign import Foreign, one_size_network, plain_network


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def found(path: Path, foreign: Foreign, overrides: Overrides | None = None) -> Conventions:
    return examine(foreign.saved(path), overrides or Overrides()).conventions


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.sampled_from([UNIT, BYTES, SIGNED]),
    layout=st.sampled_from(["nchw", "nhwc"]),
    multiple=st.sampled_from([1, 2, 4, 8]),
    reverse=st.booleans(),
    dtype=st.sampled_from(["float32", "float16"]),
)
def test_any_combination_of_conventions_is_found(
    path: Path, known: ValueRange, layout: str, multiple: int, reverse: bool, dtype: str
) -> None:
    foreign = Foreign(
        input_range=known,
        output_range=known,
        layout=layout,
        multiple=multiple,
        output_reversed=reverse,
        dtype=dtype,
        clipped=known == SIGNED,
    )
    conventions = found(path, foreign)
    assert (conventions.input_range, conventions.output_range) == (known, known)
    assert (conventions.layout, conventions.size_multiple) == (layout, multiple)
    assert (conventions.channels, conventions.output_reversed) == ("rgb", reverse)
    assert (conventions.scale, conventions.input_dtype, conventions.border) == (2, dtype, 0)


@pytest.mark.parametrize("multiple", [3, 5, 12, 32, 64])
def test_unusual_multiples_are_found(path: Path, multiple: int) -> None:
    assert found(path, Foreign(multiple=multiple)).size_multiple == multiple


@pytest.mark.parametrize(("missing", "border", "excess"), [(14, 7, 0), (7, 4, 1), (1, 1, 1), (60, 30, 0)])
def test_a_missing_border_is_found(path: Path, missing: int, border: int, excess: int) -> None:
    conventions = found(path, Foreign(border=missing))
    assert (conventions.border, conventions.excess) == (border, excess)


def test_a_border_is_added_in_multiples_that_the_network_accepts(path: Path) -> None:
    conventions = found(path, Foreign(border=14, multiple=4))
    assert (conventions.border, conventions.excess) == (8, 2)


def test_a_network_for_bytes_is_found(path: Path) -> None:
    foreign = Foreign(dtype="uint8", layout="nhwc", input_range=BYTES, output_range=BYTES)
    conventions = found(path, foreign)
    assert (conventions.input_dtype, conventions.input_range.name) == ("uint8", "0..255")


def test_different_ranges_of_input_and_output_are_found(path: Path) -> None:
    conventions = found(path, Foreign(input_range=BYTES, output_range=UNIT))
    assert (conventions.input_range, conventions.output_range) == (BYTES, UNIT)


def test_a_network_whose_dimensions_are_all_free_is_found(path: Path) -> None:
    conventions = found(path, Foreign(shape=["n", "a", "b", "c"], layout="nhwc"))
    assert (conventions.layout, conventions.channels) == ("nhwc", "rgb")


@pytest.mark.parametrize("scale", [1, 3, 5, 8])
@pytest.mark.parametrize("channels", [1, 3])
def test_whole_scales_from_1_to_8_are_found(path: Path, scale: int, channels: int) -> None:
    conventions = found(path, Foreign(synthetic.nearest(np.float32, scale, channels)))
    assert conventions.scale == scale
    assert conventions.channels == ("y" if channels == 1 else "rgb")


def test_a_declared_size_that_the_network_does_not_need_is_dropped(path: Path) -> None:
    conventions = found(path, Foreign(shape=[1, 3, 64, 96]))
    assert (conventions.size, conventions.declared_size) == (None, (64, 96))


def test_a_single_size_is_found(path: Path) -> None:
    onnx.save(one_size_network(48, 64), path)
    examined = examine(path, Overrides())
    assert examined.conventions.size == examined.conventions.declared_size == (48, 64)
    assert examined.content is None


class TestStated:
    def test_the_users_statement_is_used(self, path: Path) -> None:
        foreign = Foreign(input_range=SIGNED, output_range=SIGNED, reversed=True)
        conventions = found(path, foreign, Overrides(range="-1..1", channels="bgr"))
        assert (conventions.input_range, conventions.channels) == (SIGNED, "bgr")

    def test_the_metadata_of_the_file_are_used(self, path: Path) -> None:
        model = Foreign(input_range=BYTES, output_range=BYTES, reversed=True).model()
        onnx.helper.set_model_props(model, {"uprez.channels": "bgr", "uprez.range": "255"})
        onnx.save(model, path)
        examined = examine(path, Overrides())
        assert (examined.conventions.channels, examined.conventions.input_range) == ("bgr", BYTES)
        assert examined.content is None

    def test_a_wrong_statement_is_refused_by_the_test_images(self, path: Path) -> None:
        with pytest.raises(ModelError, match=r"its colours are wrong|does not show its input"):
            found(path, Foreign(input_range=BYTES, output_range=BYTES, clipped=True), Overrides(range="-1..1"))


def test_external_data_are_merged_into_the_rewritten_network(path: Path, tmp_path: Path) -> None:
    onnx.save(plain_network(), path, save_as_external_data=True, location="w.data", size_threshold=0)
    examined = examine(path, Overrides())
    assert set(examined.companions) == {"w.data"}
    assert examined.content is not None
    assert not any(t.external_data for t in onnx.load_model_from_string(examined.content).graph.initializer)


def with_last_node(operator: str, *operands: Any, **attributes: Any) -> onnx.ModelProto:
    """clear-x2, followed by an operator."""
    model = plain_network()
    model.graph.node[-1].output[0] = "before_last"
    names = []
    for index, values in enumerate(operands):
        names.append(f"operand{index}")
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, names[-1]))
    (output,) = model.graph.output
    model.graph.node.append(onnx.helper.make_node(operator, ["before_last", *names], [output.name], **attributes))
    output.CopyFrom(onnx.helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, ["a", "b", "c", "d"]))
    return model


class TestRefused:
    def refusal(self, path: Path) -> str:
        with pytest.raises(ModelError) as refused:
            examine(path, Overrides())
        message = str(refused.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        assert "No such file" in self.refusal(tmp_path / "missing.onnx")

    def test_a_folder_of_this_name_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "folder.onnx").mkdir()
        assert "directory" in self.refusal(tmp_path / "folder.onnx")

    def test_a_file_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "model.tflite").touch()
        assert "not a kind of model that is known; .onnx" in self.refusal(tmp_path / "model.tflite")

    @pytest.mark.parametrize(
        "content", [b"", b"no model", b"\x80\x04\x95pickled\x94.", np.random.default_rng(0).bytes(500)]
    )
    def test_a_file_that_is_no_model_is_refused(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        assert "not a valid ONNX model" in self.refusal(path)

    def test_a_truncated_file_is_refused(self, path: Path) -> None:
        onnx.save(plain_network(), path)
        path.write_bytes(path.read_bytes()[:-1000])
        assert "not a valid ONNX model" in self.refusal(path)

    def test_an_unknown_operator_is_refused(self, path: Path) -> None:
        model = with_last_node("Frobnicate", domain="example.com")
        model.opset_import.append(onnx.helper.make_opsetid("example.com", 1))
        path.write_bytes(model.SerializeToString())
        assert "Frobnicate" in self.refusal(path)

    def test_an_enlargement_by_one_and_a_half_is_refused(self, path: Path) -> None:
        scales = np.array([1, 1, 0.75, 0.75], np.float32)
        onnx.save(with_last_node("Resize", np.array([], np.float32), scales, mode="linear"), path)
        assert "factors that are whole numbers from 1 to 8 are supported" in self.refusal(path)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_an_output_that_is_not_finite_is_refused(self, path: Path, value: float) -> None:
        onnx.save(with_last_node("Mul", np.array(value, np.float32)), path)
        assert "not finite" in self.refusal(path)

    def test_a_black_output_is_refused(self, path: Path) -> None:
        onnx.save(with_last_node("Mul", np.array(0, np.float32)), path)
        assert "its output is a single colour" in self.refusal(path)

    def test_a_negative_image_is_refused(self, path: Path) -> None:
        onnx.save(with_last_node("Neg"), path)
        assert "its colours are wrong" in self.refusal(path)

    def test_a_displaced_output_is_refused(self, path: Path) -> None:
        pads = np.array([0, 0, 0, 1, 0, 0, 0, -1], np.int64)
        onnx.save(with_last_node("Pad", pads, mode="edge"), path)
        assert "its output is displaced by 0." in self.refusal(path)

    def test_a_network_from_colour_to_luma_is_refused(self, path: Path) -> None:
        onnx.save(with_last_node("ReduceMean", axes=[1], keepdims=1), path)
        assert "an upscaler gives one image of as many channels" in self.refusal(path)

    def test_a_classifier_of_images_is_refused(self, path: Path) -> None:
        onnx.save(with_last_node("ReduceMean", axes=[2, 3], keepdims=0), path)
        assert "converts (1, 3, 33, 34) to (1, 3)" in self.refusal(path)

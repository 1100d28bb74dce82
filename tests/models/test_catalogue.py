"""The catalogue of models: names, files and precisions."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import ModelError
from pipeline.models import catalogue, synthetic
from pipeline.models.importing.conventions import BYTES, Overrides
from pipeline.models.precision import PRECISIONS, detect_precision
from tests.models.importing.foreign import Foreign

DTYPES = [np.float32, np.float16]
SHIPPED = [(name, dtype) for name in (*catalogue.embedded(), "identity", "srvgg-24x8") for dtype in DTYPES]


def test_the_default_model_is_embedded() -> None:
    assert Settings().model in catalogue.embedded()


@pytest.mark.parametrize(("name", "dtype"), SHIPPED)
def test_every_named_model_is_found_for_both_dtypes(name: str, dtype: type[np.floating]) -> None:
    assert catalogue.find(name, dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", catalogue.embedded())
@pytest.mark.parametrize("dtype", DTYPES)
def test_embedded_models_are_small_and_have_a_licence(name: str, dtype: type[np.floating]) -> None:
    spec = catalogue.find(name, dtype)
    assert spec.name == name
    assert spec.path.stat().st_size < 500_000
    assert spec.parameters <= 100_000
    assert spec.licence == "CC0-1.0"


@pytest.mark.parametrize("name", [*catalogue.embedded(), "identity", "srvgg-24x8"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_named_model_is_found_in_every_precision(name: str, precision: str) -> None:
    spec = catalogue.find(name, precision)
    assert spec.precision == precision
    assert spec.dtype == (np.float32 if precision in ("fp32", "tf32") else np.float16)
    assert detect_precision(onnx.load(spec.path)) == precision.replace("tf32", "fp32")


def test_a_dtype_selects_the_precision_of_that_type() -> None:
    assert catalogue.find("clear-x2", np.float16) == catalogue.find("clear-x2", "fp16")
    assert catalogue.find("clear-x2", np.float32) == catalogue.find("clear-x2", "fp32")


def test_tf32_uses_the_file_of_fp32() -> None:
    assert catalogue.find("clear-x2", "tf32").sha256 == catalogue.find("clear-x2", "fp32").sha256


def test_bf16_names_the_fp32_file_as_its_reference() -> None:
    original, spec = catalogue.find("clear-x2", "fp32"), catalogue.find("clear-x2", "bf16")
    assert spec.reference == original.path
    assert (spec.scale, spec.receptive_field_radius, spec.parameters) == (
        original.scale,
        original.receptive_field_radius,
        original.parameters,
    )
    assert spec.sha256 != original.sha256


def test_the_text_of_a_model_contains_its_precision() -> None:
    assert str(catalogue.find("clear-x2", "bf16")) == "clear-x2 (x2, bf16, RGB 0..1)"


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "mine.onnx"
        onnx.save(synthetic.nearest(np.float32, 3), path)
        return path

    def test_a_file_requested_by_dtype_is_not_converted(self, path: Path) -> None:
        assert catalogue.find(str(path), np.float16).precision == "fp32"

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_a_file_requested_by_precision_is_converted(self, path: Path, precision: str) -> None:
        spec = catalogue.find(str(path), precision)
        assert spec.precision == precision
        assert (spec.name, spec.scale, spec.receptive_field_radius) == ("nearest-x3", 3, 0)
        assert spec.reference == (None if precision in ("fp32", "tf32") else path)

    def test_the_error_names_a_model_that_can_not_be_converted(self, path: Path) -> None:
        model = synthetic.identity(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(7e4, np.float32), "bias0"))
        model.graph.node[0].CopyFrom(onnx.helper.make_node("Add", ["input", "bias0"], ["sum"]))
        model.graph.node.append(onnx.helper.make_node("Sub", ["sum", "bias0"], ["output"]))
        onnx.save(model, path)
        with pytest.raises(
            ModelError, match=r"^identity: bias0 contains 7e\+04; the largest value of fp16 is 6\.55e\+04"
        ):
            catalogue.find(str(path), "fp16")


@pytest.mark.usefixtures("private_data")
class TestAdded:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return Foreign(input_range=BYTES, layout="nhwc").saved(tmp_path / "theirs.onnx")

    def test_an_added_model_is_found_by_its_name_without_the_file(self, path: Path) -> None:
        model = catalogue.add_model(path, "mine")
        path.unlink()
        assert (model.name, model.scale, model.parameters > 90_000) == ("mine", 2, True)
        assert model.found["file"] == "theirs.onnx"
        assert catalogue.find("mine", np.float32).scale == 2
        assert catalogue.find("mine", "fp16").precision == "fp16"

    def test_the_name_is_that_of_the_file_by_default(self, path: Path) -> None:
        assert catalogue.add_model(path).name == "theirs"

    @pytest.mark.parametrize("precision", [np.float32, "fp32", "fp16"])
    def test_a_name_in_the_files_metadata_gives_way_to_the_added_models(
        self, path: Path, precision: str | type[np.floating]
    ) -> None:
        model = onnx.load(path)
        onnx.helper.set_model_props(model, {"uprez.name": "clear-x2"})
        onnx.save(model, path)
        catalogue.add_model(path, "mine")
        assert catalogue.find("mine", precision).name == "mine"

    @pytest.mark.parametrize("name", ["clear-x2", "identity", "srvgg-8x8", "span-8x2", "mine.onnx"])
    def test_names_of_other_models_are_refused(self, path: Path, name: str) -> None:
        with pytest.raises(ModelError, match="can't be the name of an added model"):
            catalogue.add_model(path, name)

    def test_a_name_is_not_used_twice(self, path: Path) -> None:
        catalogue.add_model(path, "mine")
        with pytest.raises(ModelError, match="there is a model called mine already"):
            catalogue.add_model(path, "mine")

    def test_an_added_model_is_listed_where_a_name_is_unknown(self, path: Path) -> None:
        catalogue.add_model(path, "mine")
        with pytest.raises(ModelError, match=r"there are clear-x2, .*, mine, or give a file"):
            catalogue.find("theirs", np.float32)

    @pytest.mark.parametrize("name", ["clear-x2", "mine"])
    def test_conventions_are_stated_of_files_alone(self, path: Path, name: str) -> None:
        catalogue.add_model(path, "mine")
        with pytest.raises(ModelError, match=f"{name}: `model_range`, .* are for model files"):
            catalogue.find(name, np.float32, Overrides(range="0..255"))


def test_an_unknown_precision_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(ModelError, match="no precision called 'int8'; there are fp32, tf32, fp16, bf16"):
        catalogue.find("clear-x2", "int8")


@pytest.mark.parametrize(
    ("name", "precision"), [("clear-x2", "np.float16"), ("srvgg-24x8", "np.float32"), ("clear-x2", "'bf16'")]
)
def test_a_model_is_found_again_without_importing_onnx(tmp_path: Path, name: str, precision: str) -> None:
    code = f"""
import sys, numpy as np
from pipeline.models import catalogue
catalogue.find({name!r}, {precision})
print(sorted(sys.modules.keys() & {{"onnx", "onnxruntime"}}))
"""
    environment = os.environ | {"UPREZ_CACHE": str(tmp_path)}
    first, second = (
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == "['onnx', 'onnxruntime']\n"
    assert second == "[]\n"


def test_an_unknown_name_is_answered_with_similar_ones_of_packages() -> None:
    with pytest.raises(ModelError, match=r"`uprez models --all` lists more, such as realesrgan-x4plus"):
        catalogue.find("realesrgan_x4plus", np.float32)


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(ModelError, match=r"no model called 'clear-x9'; there are clear-x2, identity"):
        catalogue.find("clear-x9", np.float32)


def test_srvgg_with_too_many_features_is_refused() -> None:
    with pytest.raises(ModelError, match="1 to 512 features"):
        catalogue.find("srvgg-9999x1", np.float32)


def test_the_output_of_srvgg_resembles_its_input() -> None:
    import onnxruntime as ort

    spec = catalogue.find("srvgg-24x8", np.float32)
    image = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    (output,) = ort.InferenceSession(str(spec.path)).run(None, {spec.input: image})
    assert np.abs(output - image.repeat(2, axis=2).repeat(2, axis=3)).max() < 1

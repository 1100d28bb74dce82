"""The models that have names, and files, in the precision that is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import catalogue, synthetic
from pipeline.models.precision import PRECISIONS, precision_of

DTYPES = [np.float32, np.float16]
SHIPPED = [(name, dtype) for name in (*catalogue.embedded(), "identity", "srvgg-24x8") for dtype in DTYPES]


def test_the_default_is_embedded() -> None:
    assert catalogue.DEFAULT in catalogue.embedded()


@pytest.mark.parametrize(("name", "dtype"), SHIPPED)
def test_each_is_found_in_both_precisions(name: str, dtype: type[np.floating]) -> None:
    assert catalogue.find(name, dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", catalogue.embedded())
@pytest.mark.parametrize("dtype", DTYPES)
def test_embedded_ones_are_small_and_licensed(name: str, dtype: type[np.floating]) -> None:
    spec = catalogue.find(name, dtype)
    assert spec.name == name
    assert spec.path.stat().st_size < 500_000
    assert spec.parameters <= 100_000
    assert spec.licence == "CC0-1.0"


@pytest.mark.parametrize("name", [*catalogue.embedded(), "identity", "srvgg-24x8"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_is_found_in_every_precision(name: str, precision: str) -> None:
    spec = catalogue.find(name, precision)
    assert spec.precision == precision
    assert spec.dtype == (np.float32 if precision in ("fp32", "tf32") else np.float16)
    assert precision_of(onnx.load(spec.path)) == precision.replace("tf32", "fp32")


def test_a_dtype_is_a_precision_by_another_name() -> None:
    assert catalogue.find("clear-x2", np.float16) == catalogue.find("clear-x2", "fp16")
    assert catalogue.find("clear-x2", np.float32) == catalogue.find("clear-x2", "fp32")


def test_tf32_is_the_file_of_fp32() -> None:
    assert catalogue.find("clear-x2", "tf32").sha256 == catalogue.find("clear-x2", "fp32").sha256


def test_bf16_is_checked_against_the_fp32_that_it_came_from() -> None:
    original, spec = catalogue.find("clear-x2", "fp32"), catalogue.find("clear-x2", "bf16")
    assert spec.reference == original.path
    assert (spec.scale, spec.reach, spec.parameters) == (original.scale, original.reach, original.parameters)
    assert spec.sha256 != original.sha256


def test_its_precision_is_shown() -> None:
    assert str(catalogue.find("clear-x2", "bf16")) == "clear-x2 (x2, bf16, RGB 0..1)"


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "mine.onnx"
        onnx.save(synthetic.nearest(np.float32, 3), path)
        return path

    def test_a_file_with_a_dtype_is_what_it_is(self, path: Path) -> None:
        assert catalogue.find(str(path), np.float16).precision == "fp32"

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_a_file_with_a_precision_is_converted(self, path: Path, precision: str) -> None:
        spec = catalogue.find(str(path), precision)
        assert spec.precision == precision
        assert (spec.name, spec.scale, spec.reach) == ("nearest-x3", 3, 0)
        assert spec.reference == (None if precision in ("fp32", "tf32") else path)

    def test_a_file_that_cannot_be_converted_is_named(self, path: Path) -> None:
        model = synthetic.srvgg(4, 1, np.float32)
        model.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(np.full(4, 7e4, np.float32), "bias0"))
        onnx.save(model, path)
        with pytest.raises(ModelError, match=r"mine\.onnx: bias0 holds 7e\+04; fp16 goes to 6\.55e\+04: use fp32"):
            catalogue.find(str(path), "fp16")


def test_an_unknown_precision_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match="no precision called 'int8'; there are fp32, tf32, fp16, bf16"):
        catalogue.find("clear-x2", "int8")


@pytest.mark.parametrize("name", ["clear-x2", "srvgg-24x8"])
@pytest.mark.parametrize("precision", ["np.float16", "np.float32", "'bf16'"])
def test_what_was_found_once_is_found_without_onnx(tmp_path: Path, name: str, precision: str) -> None:
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


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"no model called 'clear-x9'; there are clear-x2, identity"):
        catalogue.find("clear-x9", np.float32)


def test_srvgg_of_a_silly_size_is_refused() -> None:
    with pytest.raises(ModelError, match="1 to 512 features"):
        catalogue.find("srvgg-9999x1", np.float32)


def test_srvgg_keeps_the_picture_a_picture() -> None:
    import onnxruntime as ort

    spec = catalogue.find("srvgg-24x8", np.float32)
    picture = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    (result,) = ort.InferenceSession(str(spec.path)).run(None, {spec.input: picture})
    assert np.abs(result - picture.repeat(2, axis=2).repeat(2, axis=3)).max() < 1

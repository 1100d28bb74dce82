"""The model cache: models are inspected, generated and converted once, and damaged files are replaced."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import model_cache, synthetic
from pipeline.models.inspection import INSPECTION_VERSION, inspect_model
from pipeline.models.model_cache import convert_cached, generate_cached, inspect_cached
from pipeline.models.precision import CONVERTER_VERSION, convert_precision


class CallCounter:
    """Calls a function and counts the calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.function(*arguments)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def inspections(monkeypatch: pytest.MonkeyPatch) -> CallCounter:
    counter = CallCounter(inspect_model)
    monkeypatch.setattr(model_cache, "inspect_model", counter)
    return counter


@pytest.fixture
def path(tmp_path: Path, cache: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(synthetic.nearest(np.float32), path)
    return path


class TestInspections:
    def test_a_file_is_inspected_once(self, path: Path, inspections: CallCounter) -> None:
        assert inspect_cached(path) == inspect_cached(path) == inspect_model(path)
        assert inspections.calls == 1

    def test_a_fixed_size_is_cached_too(self, path: Path, inspections: CallCounter) -> None:
        model = synthetic.identity(np.float16)
        for tensor in (model.graph.input[0], model.graph.output[0]):
            tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, onnx.TensorProto.FLOAT16, [1, 3, 24, 40]))
        onnx.save(model, path)
        assert inspect_cached(path) == inspect_cached(path) == inspect_model(path)
        assert inspections.calls == 1

    def test_a_file_with_new_content_is_inspected_again(self, path: Path, inspections: CallCounter) -> None:
        assert inspect_cached(path).scale == 2
        onnx.save(synthetic.nearest(np.float32, 4), path)
        assert inspect_cached(path).scale == 4
        assert inspections.calls == 2

    def test_a_model_without_a_name_is_named_after_its_file(self, tmp_path: Path, path: Path) -> None:
        model = synthetic.nearest(np.float32)
        del model.metadata_props[:]
        for name in ("one", "two"):
            onnx.save(model, tmp_path / f"{name}.onnx")
            assert inspect_cached(tmp_path / f"{name}.onnx").name == name

    def test_another_version_of_the_inspection_inspects_again(
        self, path: Path, inspections: CallCounter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inspect_cached(path)
        monkeypatch.setattr(model_cache, "INSPECTION_VERSION", INSPECTION_VERSION + 1)
        inspect_cached(path)
        assert inspections.calls == 2

    @pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]", b"7", b"{}", b'{"facts": {}, "sum": ""}', b'"facts"'])
    def test_an_invalid_record_is_replaced(
        self, path: Path, cache: Path, inspections: CallCounter, content: bytes
    ) -> None:
        spec = inspect_cached(path)
        (record,) = cache.glob("*.json")
        record.write_bytes(content)
        assert inspect_cached(path) == inspect_cached(path) == spec
        assert inspections.calls == 2

    def test_a_modified_record_is_not_used(self, path: Path, cache: Path, inspections: CallCounter) -> None:
        inspect_cached(path)
        (record,) = cache.glob("*.json")
        content = json.loads(record.read_text())
        content["facts"]["scale"] = 3
        record.write_text(json.dumps(content))
        assert inspect_cached(path).scale == 2

    def test_the_inspection_of_an_invalid_file_is_not_cached(self, path: Path, cache: Path) -> None:
        path.write_bytes(b"no model at all")
        for _ in range(2):
            with pytest.raises(ModelError, match="not a valid ONNX model"):
                inspect_cached(path)
        assert not list(cache.glob("*.json"))

    def test_inspection_works_without_a_cache_folder(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
        with caplog.at_level(logging.WARNING):
            assert inspect_cached(path) == inspect_model(path)
        assert "the inspection of model.onnx is not cached" in caplog.text


class TestGeneratedModels:
    def test_a_model_is_generated_once(self, cache: Path) -> None:
        generate = CallCounter(lambda: synthetic.identity(np.float32))
        assert generate_cached("mine", generate) == generate_cached("mine", generate)
        assert generate.calls == 1

    def test_a_damaged_file_is_generated_again(self, cache: Path) -> None:
        generate = CallCounter(lambda: synthetic.identity(np.float32))
        spec = generate_cached("mine", generate)
        spec.path.write_bytes(spec.path.read_bytes()[:-100])
        assert generate_cached("mine", generate) == spec
        assert generate.calls == 2

    def test_no_partial_files_are_left(self, cache: Path) -> None:
        generate_cached("mine", lambda: synthetic.identity(np.float32))
        assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".onnx"]

    def test_the_error_of_a_full_disk_names_the_file(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def disk_full(self: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", disk_full)
        with pytest.raises(ModelError, match=r"mine\.onnx: No space left on device; set UPREZ_CACHE to a folder"):
            generate_cached("mine", lambda: synthetic.identity(np.float32))
        assert not list(cache.iterdir())


class TestConversions:
    @pytest.fixture
    def conversions(self, monkeypatch: pytest.MonkeyPatch) -> CallCounter:
        counter = CallCounter(convert_precision)
        monkeypatch.setattr(model_cache, "convert_precision", counter)
        return counter

    def test_a_model_is_converted_once(self, path: Path, conversions: CallCounter) -> None:
        spec = inspect_cached(path)
        assert convert_cached(spec, "bf16") == convert_cached(spec, "bf16")
        assert conversions.calls == 1

    def test_a_file_with_new_content_is_converted_again(self, path: Path, conversions: CallCounter) -> None:
        before = convert_cached(inspect_cached(path), "fp16")
        onnx.save(synthetic.nearest(np.float32, 4), path)
        assert convert_cached(inspect_cached(path), "fp16").sha256 != before.sha256
        assert conversions.calls == 2

    def test_another_version_of_the_converter_converts_again(
        self, path: Path, conversions: CallCounter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = inspect_cached(path)
        convert_cached(spec, "fp16")
        monkeypatch.setattr(model_cache, "CONVERTER_VERSION", CONVERTER_VERSION + 1)
        convert_cached(spec, "fp16")
        assert conversions.calls == 2

    def test_conversions_of_files_with_long_names_have_shorter_names(self, path: Path) -> None:
        long = path.rename(path.with_name("ü" * 120 + ".onnx"))
        assert convert_cached(inspect_cached(long), "bf16").path.exists()

    def test_a_conversion_to_fp16_can_be_inspected_like_any_model(self, path: Path) -> None:
        spec = convert_cached(inspect_cached(path), "fp16")
        again = inspect_model(spec.path)
        assert (again.sha256, again.dtype, again.precision) == (spec.sha256, spec.dtype, spec.precision)

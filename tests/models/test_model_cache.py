"""What is kept of models: inspected once, made once, converted once, and never trusted blindly."""

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
from pipeline.models.inspection import inspect
from pipeline.models.model_cache import in_precision, inspected, made


class Counted:
    """Calls a function, and counts how often."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.times = 0

    def __call__(self, *arguments: Any) -> Any:
        self.times += 1
        return self.function(*arguments)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def inspections(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(inspect)
    monkeypatch.setattr(model_cache, "inspect", counted)
    return counted


@pytest.fixture
def path(tmp_path: Path, cache: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(synthetic.nearest(np.float32), path)
    return path


class TestInspections:
    def test_happen_once(self, path: Path, inspections: Counted) -> None:
        assert inspected(path) == inspected(path) == inspect(path)
        assert inspections.times == 1

    def test_of_a_fixed_size_are_kept_as_well(self, path: Path, inspections: Counted) -> None:
        model = synthetic.identity(np.float16)
        for tensor in (model.graph.input[0], model.graph.output[0]):
            tensor.CopyFrom(onnx.helper.make_tensor_value_info(tensor.name, onnx.TensorProto.FLOAT16, [1, 3, 24, 40]))
        onnx.save(model, path)
        assert inspected(path) == inspected(path) == inspect(path)
        assert inspections.times == 1

    def test_happen_anew_for_another_content(self, path: Path, inspections: Counted) -> None:
        assert inspected(path).scale == 2
        onnx.save(synthetic.nearest(np.float32, 4), path)
        assert inspected(path).scale == 4
        assert inspections.times == 2

    def test_know_a_model_by_its_file_if_it_has_no_name(self, tmp_path: Path, path: Path) -> None:
        model = synthetic.nearest(np.float32)
        del model.metadata_props[:]
        for name in ("one", "two"):
            onnx.save(model, tmp_path / f"{name}.onnx")
            assert inspected(tmp_path / f"{name}.onnx").name == name

    def test_happen_anew_in_another_version(
        self, path: Path, inspections: Counted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inspected(path)
        monkeypatch.setattr(model_cache, "INSPECTION", model_cache.INSPECTION + 1)
        inspected(path)
        assert inspections.times == 2

    @pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]", b"7", b"{}", b'{"facts": {}, "sum": ""}', b'"facts"'])
    def test_happen_anew_where_the_record_is_none(
        self, path: Path, cache: Path, inspections: Counted, content: bytes
    ) -> None:
        spec = inspected(path)
        (record,) = cache.glob("*.json")
        record.write_bytes(content)
        assert inspected(path) == inspected(path) == spec
        assert inspections.times == 2

    def test_happen_anew_where_the_record_was_changed(self, path: Path, cache: Path, inspections: Counted) -> None:
        inspected(path)
        (record,) = cache.glob("*.json")
        content = json.loads(record.read_text())
        content["facts"]["scale"] = 3
        record.write_text(json.dumps(content))
        assert inspected(path).scale == 2

    def test_of_a_broken_file_are_not_kept(self, path: Path, cache: Path) -> None:
        path.write_bytes(b"no model at all")
        for _ in range(2):
            with pytest.raises(ModelError, match="not a valid ONNX model"):
                inspected(path)
        assert not list(cache.glob("*.json"))

    def test_go_on_where_nothing_can_be_kept(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
        with caplog.at_level(logging.WARNING):
            assert inspected(path) == inspect(path)
        assert "what is found out about model.onnx is not kept" in caplog.text


class TestMadeModels:
    def test_are_made_once(self, cache: Path) -> None:
        make = Counted(lambda: synthetic.identity(np.float32))
        assert made("mine", make) == made("mine", make)
        assert make.times == 1

    def test_are_made_anew_if_broken(self, cache: Path) -> None:
        make = Counted(lambda: synthetic.identity(np.float32))
        spec = made("mine", make)
        spec.path.write_bytes(spec.path.read_bytes()[:-100])
        assert made("mine", make) == spec
        assert make.times == 2

    def test_leave_no_parts(self, cache: Path) -> None:
        made("mine", lambda: synthetic.identity(np.float32))
        assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".onnx"]

    def test_that_find_no_room_say_where(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(self: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(ModelError, match=r"mine\.onnx: No space left on device; set UPREZ_CACHE to a folder"):
            made("mine", lambda: synthetic.identity(np.float32))
        assert not list(cache.iterdir())


class TestConversions:
    @pytest.fixture
    def conversions(self, monkeypatch: pytest.MonkeyPatch) -> Counted:
        counted = Counted(model_cache.converted)
        monkeypatch.setattr(model_cache, "converted", counted)
        return counted

    def test_happen_once(self, path: Path, conversions: Counted) -> None:
        spec = inspected(path)
        assert in_precision(spec, "bf16") == in_precision(spec, "bf16")
        assert conversions.times == 1

    def test_happen_anew_for_another_content(self, path: Path, conversions: Counted) -> None:
        before = in_precision(inspected(path), "fp16")
        onnx.save(synthetic.nearest(np.float32, 4), path)
        assert in_precision(inspected(path), "fp16").sha256 != before.sha256
        assert conversions.times == 2

    def test_happen_anew_by_another_converter(
        self, path: Path, conversions: Counted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = inspected(path)
        in_precision(spec, "fp16")
        monkeypatch.setattr(model_cache, "CONVERTER", model_cache.CONVERTER + 1)
        in_precision(spec, "fp16")
        assert conversions.times == 2

    def test_of_files_with_long_names_have_shorter_ones(self, path: Path) -> None:
        long = path.rename(path.with_name("ü" * 120 + ".onnx"))
        assert in_precision(inspected(long), "bf16").path.exists()

    def test_to_fp16_are_models_as_any_other(self, path: Path) -> None:
        spec = in_precision(inspected(path), "fp16")
        again = inspect(spec.path)
        assert (again.sha256, again.dtype, again.precision) == (spec.sha256, spec.dtype, spec.precision)

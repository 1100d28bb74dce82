"""Import of model files: examined once, found in the cache from then on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.importing import importer
from pipeline.models.importing.conventions import BYTES, UNIT, Overrides
from pipeline.models.importing.importer import import_model
from pipeline.models.inspection import inspect_model
from tests.models.importing.foreign import Foreign, plain_network


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def examinations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths of the files that were examined: in this process, which is faster."""
    from pipeline.models.importing import child

    seen: list[Path] = []

    def examine(path: Path, overrides: Overrides, written: Path) -> dict[str, Any]:
        seen.append(path)
        reply: dict[str, Any] = json.loads(json.dumps(child._reply(path, overrides, written)))
        return reply

    monkeypatch.setattr(importer, "examine_in_child", examine)
    return seen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Foreign(input_range=BYTES, output_range=BYTES, layout="nhwc").saved(tmp_path / "their network.onnx")


def test_an_imported_model_has_the_conventions_of_this_project(path: Path) -> None:
    imported = import_model(path)
    assert imported.conventions.layout == "nhwc"
    spec = inspect_model(imported.path)
    assert (spec.name, spec.scale, spec.order, spec.value_range) == ("their network", 2, "rgb", 1)


def test_a_model_in_the_conventions_of_this_project_is_used_as_it_is(tmp_path: Path, examinations: list[Path]) -> None:
    path = tmp_path / "own.onnx"
    onnx.save(synthetic.nearest(np.float32), path)
    assert import_model(path).path == path


def test_a_model_is_examined_once(path: Path, examinations: list[Path]) -> None:
    assert import_model(path) == import_model(path)
    assert examinations == [path]


def test_another_name_content_or_statement_is_examined_again(path: Path, examinations: list[Path]) -> None:
    first = import_model(path)
    stated = import_model(path, Overrides(range="0..255"))
    assert stated.path != first.path
    renamed = import_model(path.rename(path.with_name("renamed.onnx")))
    assert inspect_model(renamed.path).name == "renamed"
    Foreign(layout="nhwc").saved(renamed.path.parent / "renamed.onnx")
    assert import_model(renamed.path.parent / "renamed.onnx").conventions.input_range == UNIT
    assert len(examinations) == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record, network: record.write_bytes(b""),
        lambda record, network: record.write_text(record.read_text().replace('"scale": 2', '"scale": 3')),
        lambda record, network: record.write_text('{"facts": {}, "sum": ""}'),
        lambda record, network: record.unlink(),
        lambda record, network: network.write_bytes(network.read_bytes()[:-1]),
        lambda record, network: network.unlink(),
    ],
)
def test_a_damaged_cache_is_written_again(
    path: Path, cache: Path, examinations: list[Path], spoil: Callable[[Path, Path], None]
) -> None:
    before = import_model(path)
    (record,) = cache.glob("import.*.json")
    content = before.path.read_bytes()
    spoil(record, before.path)
    assert import_model(path) == before
    assert before.path.read_bytes() == content
    assert len(examinations) == 2


def test_a_change_of_external_data_is_noticed(tmp_path: Path, examinations: list[Path]) -> None:
    path = tmp_path / "external.onnx"
    onnx.save(plain_network(), path, save_as_external_data=True, location="w.data", size_threshold=0)
    first = import_model(path)
    assert import_model(path) == first
    data = bytearray((tmp_path / "w.data").read_bytes())
    data[4000:4004] = np.float32(0.01).tobytes()
    (tmp_path / "w.data").write_bytes(data)
    import_model(path)
    assert len(examinations) == 2


def test_a_refusal_leaves_no_file(tmp_path: Path, cache: Path, examinations: list[Path]) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match="not a valid ONNX model"):
        import_model(path)
    assert list(cache.iterdir()) == []


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.onnx: No such file.*`uprez models` lists"):
        import_model(tmp_path / "nothing.onnx")


def test_a_cache_that_can_not_be_written_is_no_obstacle(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    examinations: list[Path],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
    assert inspect_model(import_model(path).path).scale == 2
    assert "is not cached" in caplog.text

"""Added models: files and records in the user's data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ModelError, OutputError
from pipeline.models import added
from pipeline.models.added import AddedModel

MODEL = AddedModel("mine", 2, 1000, "MIT", "sharp", {"file": "mine.onnx"})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UPREZ_DATA", str(tmp_path))
    return tmp_path / "models"


def test_there_is_none_at_first() -> None:
    assert added.names() == []


def test_a_saved_model_is_listed_and_loaded(folder: Path) -> None:
    added.save(MODEL, b"network")
    assert added.names() == ["mine"]
    assert added.load("mine") == MODEL
    assert added.model_path("mine").read_bytes() == b"network"


def test_a_removed_model_leaves_nothing(folder: Path) -> None:
    added.save(MODEL, b"network")
    added.remove("mine")
    assert added.names() == []
    assert list(folder.iterdir()) == []


def test_removing_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no added model is called 'theirs': none was added"):
        added.remove("theirs")
    added.save(MODEL, b"network")
    with pytest.raises(ModelError, match="no added model is called 'theirs': mine"):
        added.remove("theirs")


@pytest.mark.parametrize("name", ["", "../mine", "a/b", ".hidden", "-x", "a b", "x" * 65, "name\n"])
def test_names_that_are_no_plain_file_names_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="can't be the name of a model"):
        added.check_name(name)


def test_a_name_that_is_taken_is_refused() -> None:
    added.save(MODEL, b"network")
    with pytest.raises(ModelError, match="there is a model called mine already"):
        added.check_name("mine")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"name": "mine"}'])
def test_a_damaged_record_is_reported(folder: Path, content: bytes) -> None:
    added.save(MODEL, b"network")
    (folder / "mine.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"mine\.json: damaged; remove the model and add it again"):
        added.load("mine")


def test_a_folder_that_can_not_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UPREZ_DATA", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="Not a directory; set UPREZ_DATA to a folder you can write to"):
        added.save(MODEL, b"network")


def test_listing_imports_neither_numpy_nor_onnx() -> None:
    code = """
import sys
from pipeline.models import added
added.names()
print(sorted(sys.modules.keys() & {"numpy", "onnx"}))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

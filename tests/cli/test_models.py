"""`uprez models`: the list of models, and adding, showing and removing them."""

from pathlib import Path

import pytest

from pipeline.models.importing.conventions import BYTES
from tests.cli.conftest import Call
from tests.models.importing.foreign import Foreign


@pytest.fixture(autouse=True)
def _private_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPREZ_DATA", str(tmp_path / "data"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Foreign(input_range=BYTES, output_range=BYTES).saved(tmp_path / "theirs.onnx")


def test_models_are_listed_with_scale_size_and_licence(uprez: Call) -> None:
    ended = uprez("models")
    assert ended.code == 0
    for word in ("clear-x2 (default)", "x2", "CC0-1.0", "identity", "srvgg-FxC", "span-FxB"):
        assert word in ended.out


def test_an_added_model_is_listed_used_and_removed(uprez: Call, path: Path, clip: Path) -> None:
    assert "mine was added" in uprez("models", "add", path, "--name", "mine").out
    assert "added from theirs.onnx" in uprez("models").out
    assert uprez("upscale", clip, "--model", "mine", "--frames", "1", "--backend", "onnx").code == 0
    assert "mine was removed" in uprez("models", "remove", "mine").out
    assert "theirs.onnx" not in uprez("models").out


def test_a_model_file_is_shown(uprez: Call, path: Path) -> None:
    shown = uprez("models", "show", path).out
    assert "0..255" in shown
    assert "red, green, blue" in shown


def test_statements_of_the_user_are_shown(uprez: Call, path: Path) -> None:
    shown = uprez("models", "show", path, "--model-channels", "bgr", "--model-range", "0..255").out
    assert "blue, green, red" in shown


def test_a_wrong_statement_is_refused_with_the_option(uprez: Call, path: Path) -> None:
    ended = uprez("models", "show", path, "--model-range", "bytes")
    assert ended.code == 2
    assert "--model-range bytes: should be one of 0..1, 0..255" in ended.err


def test_a_file_that_is_refused_is_not_added(uprez: Call, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    ended = uprez("models", "add", tmp_path / "broken.onnx")
    assert ended.code == 2
    assert "not a valid ONNX model" in ended.err
    assert "broken" not in uprez("models").out

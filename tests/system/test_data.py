"""The data folder."""

from pathlib import Path

import pytest
from platformdirs import user_data_path

from pipeline.system.data import data_folder


def test_the_environment_variable_names_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPREZ_DATA", str(tmp_path))
    assert data_folder("models") == tmp_path / "models"


def test_the_root_is_that_of_the_system_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UPREZ_DATA")
    assert data_folder("models") == user_data_path("uprez") / "models"

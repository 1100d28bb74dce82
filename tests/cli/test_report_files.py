"""The files that `uprez bench` writes."""

from pathlib import Path

import pytest

from pipeline.cli.report_files import check_reports, write_report
from pipeline.errors import OutputError


def test_a_file_without_a_folder_is_refused_before_it_is_written(tmp_path: Path) -> None:
    check_reports({"--save": tmp_path / "report.json", "--trace": None})
    with pytest.raises(OutputError, match=r"^--save .*create it first"):
        check_reports({"--save": tmp_path / "missing" / "report.json"})


def test_a_file_that_can_not_be_written_is_an_error_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^--save .*Is a directory"):
        write_report("--save", tmp_path, "{}")


def test_the_video_that_is_measured_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^--save .*is the video that is measured"):
        check_reports({"--save": tmp_path / "." / "a.mp4"}, tmp_path / "a.mp4")


def test_an_earlier_report_is_replaced_completely_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    write_report("--save", path, "{}")
    write_report("--save", path, "[]")
    assert path.read_text() == "[]"

    def full(part: Path, content: bytes) -> int:
        part.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_report("--save", path, "{}")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("report.json", "[]")]


def test_a_link_keeps_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "report.json", tmp_path / "link.json"
    target.write_text("[]")
    link.symlink_to(target)
    write_report("--save", link, "{}")
    assert (link.is_symlink(), target.read_text()) == (True, "{}")

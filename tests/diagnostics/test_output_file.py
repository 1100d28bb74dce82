"""Files appear when they are complete."""

import os
from pathlib import Path

import pytest

from pipeline.diagnostics.output_file import check_output_file, write_output_file
from pipeline.errors import OutputError


def test_a_file_is_written_completely(tmp_path: Path) -> None:
    write_output_file(tmp_path / "a.png", b"content", overwrite=False)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.png", b"content")]


def test_an_existing_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"a.png: exists already; `overwrite=True` replaces it"):
        check_output_file(path, [], overwrite=False)
    check_output_file(path, [], overwrite=True)
    write_output_file(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"other")
    with pytest.raises(OutputError, match=r"appeared during the job; the output is kept as .*a.partial.png"):
        write_output_file(path, b"new", overwrite=False)
    assert path.read_bytes() == b"other"
    assert (tmp_path / "a.partial.png").read_bytes() == b"new"


def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"input")
    with pytest.raises(OutputError, match="is an input"):
        check_output_file(path, [tmp_path / "missing.png", tmp_path / "." / "a.png"], overwrite=True)


def test_a_folder_and_a_file_in_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        check_output_file(tmp_path, [], overwrite=True)
    with pytest.raises(OutputError, match="does not exist: create it first"):
        check_output_file(tmp_path / "no" / "a.png", [], overwrite=True)


def test_nothing_is_left_of_a_file_that_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, content: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OutputError, match="the disk is full"):
        write_output_file(tmp_path / "a.png", b"content", overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a device or pipe"):
        check_output_file(tmp_path / "pipe", [], overwrite=True)

"""Cache folders and files."""

import logging
import stat
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.system.cache import (
    cache_folder,
    cache_lock,
    read_executable,
    read_record,
    write_cached,
    write_record,
)


def test_a_cache_folder_is_created_in_the_folder_that_the_environment_names_and_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "new"))
    folder = cache_folder("things")
    assert folder == tmp_path / "new" / "things"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_cache_folder_that_can_not_be_created_is_an_error_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="set UPREZ_CACHE"):
        cache_folder("things")


def test_a_cache_file_that_can_not_be_written_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_cached(tmp_path / "missing" / "file", b"content")
    assert "file could not be cached (No such file or directory)" in caplog.text


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), NotImplementedError("no flock")])
def test_where_no_file_can_be_locked_the_work_is_done_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(lock: object) -> None:
        raise error

    monkeypatch.setattr("filelock.FileLock.__enter__", fail)
    caplog.set_level(logging.DEBUG, "pipeline")
    done = []
    with cache_lock(tmp_path / "lock"):
        done.append(True)
    assert done
    assert str(error) in caplog.text


def test_an_error_of_the_work_is_not_one_of_the_lock(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="of the work"), cache_lock(tmp_path / "lock"):
        raise OSError("of the work")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    facts = {"name": "network", "size": [48, 64], "range": None}
    write_record(tmp_path / "record.json", facts)
    assert read_record(tmp_path / "record.json") == facts


@pytest.mark.parametrize("content", [b"", b"\xff", b"7", b"[]", b"{}", b'{"facts": {"name": "other"}, "sum": ""}'])
def test_a_record_that_was_damaged_or_edited_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.json"
    assert read_record(path) is None
    path.write_bytes(content)
    assert read_record(path) is None


def test_a_cache_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1, raising=False)
    with pytest.raises(OutputError, match="belongs to another user; set UPREZ_CACHE"):
        cache_folder("engines")


def test_a_cached_file_of_another_user_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"code")
    assert read_executable(path) == b"code"
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1, raising=False)
    with pytest.raises(PermissionError, match="belongs to another user"):
        read_executable(path)

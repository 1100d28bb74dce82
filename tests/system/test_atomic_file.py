"""Files are written completely or not at all."""

import os
from pathlib import Path

import pytest

from pipeline.system.atomic_file import write_atomically


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_that_can_not_be_written_completely_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old", durable)

    def fail(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new", durable)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_durable_file_is_synchronised_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(file: int) -> None:
        done.append("fsync")
        fsync(file)

    def noted_replace(source: Path, target: Path) -> None:
        done.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_atomically(tmp_path / "file", b"content", durable=True)
    assert done[:2] == ["fsync", "replace"]
    assert (tmp_path / "file").read_bytes() == b"content"

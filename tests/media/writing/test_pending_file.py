"""Files that are renamed when they are complete, kept as partial, or removed."""

from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.media.writing.pending_file import PendingFile


@pytest.fixture
def pending(tmp_path: Path) -> PendingFile:
    file = PendingFile(tmp_path / "out.mkv")
    file.part.write_text("content")
    return file


def test_a_committed_file_has_its_name_and_nothing_else_is_left(pending: PendingFile) -> None:
    assert pending.commit(overwrite=False) == pending.path
    pending.discard()
    assert [file.name for file in pending.path.parent.iterdir()] == ["out.mkv"]
    assert pending.path.read_text() == "content"


def test_a_discarded_file_leaves_nothing(pending: PendingFile) -> None:
    pending.discard()
    pending.discard()
    assert list(pending.path.parent.iterdir()) == []


def test_an_existing_file_is_replaced_only_on_request(pending: PendingFile) -> None:
    pending.path.write_text("older")
    with pytest.raises(OutputError, match=r"appeared during the job; the output is kept as .*out\.partial\.mkv"):
        pending.commit(overwrite=False)
    assert pending.path.read_text() == "older"
    assert pending.path.with_name("out.partial.mkv").read_text() == "content"


def test_overwriting_replaces_an_existing_file(pending: PendingFile) -> None:
    pending.path.write_text("older")
    pending.commit(overwrite=True)
    assert pending.path.read_text() == "content"


def test_a_file_that_can_not_be_renamed_is_kept_as_partial(pending: PendingFile) -> None:
    pending.path.mkdir()
    with pytest.raises(OutputError, match=r"the output is kept as .*out\.partial\.mkv"):
        pending.commit(overwrite=True)


def test_partial_files_are_numbered(pending: PendingFile) -> None:
    pending.path.with_name("out.partial.mkv").touch()
    pending.path.with_name("out.partial2.mkv").touch()
    assert pending.keep_partial() == pending.path.with_name("out.partial3.mkv")

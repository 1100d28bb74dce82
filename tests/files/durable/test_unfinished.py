"""Unfinished jobs are found, described and removed; nothing else is."""

import os
import shutil
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.files.durable.unfinished import remove_unfinished, unfinished_jobs
from pipeline.files.durable.work_folder import WorkFolder
from tests.files.durable.test_segmenting import plan_of
from tests.files.durable.test_work_folder import add_segment, with_segments


def test_jobs_in_folders_within_are_found_with_their_progress(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    moved = Path(shutil.copy(clip, tmp_path / "a" / "b" / "clip.mp4"))
    folder = with_segments(plan_of(moved), 2)
    [job] = unfinished_jobs(tmp_path)
    assert (job.path, job.source, job.done, job.frames) == (folder, str(moved), 12, 12)
    assert job.bytes == sum(path.stat().st_size for path in folder.glob("*.segment"))
    assert (job.in_progress, job.fault) == (False, "")


def test_a_job_that_runs_is_in_progress_and_not_removed(clip: Path) -> None:
    with WorkFolder(plan_of(clip)) as work:
        add_segment(work, 0)
        [job] = unfinished_jobs(clip.parent)
        assert job.in_progress
        with pytest.raises(OutputError, match="another process works on this output"):
            remove_unfinished(work.path)
        assert work.segments == 1


def test_a_damaged_manifest_is_named(clip: Path) -> None:
    folder = with_segments(plan_of(clip), 1)
    (folder / "job.json").write_bytes(b"{")
    [job] = unfinished_jobs(clip.parent)
    assert job.fault == "its job.json is damaged"


@pytest.mark.parametrize("name", ["out.mkv", "out.mkv.uprez"])
def test_a_job_is_removed_by_the_name_of_output_or_folder(clip: Path, name: str) -> None:
    with_segments(plan_of(clip), 1)
    remove_unfinished(clip.with_name(name))
    assert os.listdir(clip.parent) == [clip.name]


def test_files_that_can_not_be_removed_are_an_error(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = with_segments(plan_of(clip), 1)

    def fail(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(OutputError, match="not writable"):
        remove_unfinished(folder)
    assert (folder / "000000.segment").exists()


def test_folders_of_others_are_neither_listed_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "notes.uprez").mkdir()
    (tmp_path / "notes.uprez" / "a.txt").write_text("a user's")
    assert unfinished_jobs(tmp_path) == []
    with pytest.raises(OutputError, match="no unfinished job there"):
        remove_unfinished(tmp_path / "notes.uprez")
    assert (tmp_path / "notes.uprez" / "a.txt").exists()


def test_what_is_no_folder_cannot_be_searched(clip: Path) -> None:
    with pytest.raises(OutputError, match="is no folder"):
        unfinished_jobs(clip)


@pytest.mark.parametrize("path", [".", "/", ".."])
def test_folder_without_a_name_of_its_own_has_no_unfinished_job(path: str) -> None:
    with pytest.raises(OutputError, match="no unfinished job there"):
        remove_unfinished(Path(path))

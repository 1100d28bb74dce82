"""The work folder: what is found in it, whom it belongs to, and what is never removed."""

import errno
import os
import re
from pathlib import Path

import av
import pytest

from pipeline.errors import OutputError
from pipeline.files.durable.work_folder import WorkFolder, work_path
from pipeline.files.plan import Plan
from tests.files.durable.test_segmenting import plan_of


def add_segment(work: WorkFolder, pts: int) -> None:
    writer = work.new_segment()
    packet = av.Packet(b"coded")
    packet.pts, packet.time_base = pts, work.plan.time_base
    writer.add(packet)
    work.commit(writer)


def with_segments(plan: Plan, count: int) -> Path:
    with WorkFolder(plan) as work:
        for index in range(work.segments, count):
            add_segment(work, index)
    return work.path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".segment")


def test_it_is_beside_the_output_and_finds_its_segments_again(clip: Path) -> None:
    plan = plan_of(clip)
    assert with_segments(plan, 3) == plan.target.with_name("out.mkv.uprez")
    with WorkFolder(plan) as work:
        assert (work.segments, list(work.times)) == (3, [0, 1, 2])
        assert [segment.facts.index for segment in work.read()] == [0, 1, 2]


def test_without_a_finished_segment_nothing_is_left(clip: Path) -> None:
    with WorkFolder(plan_of(clip)) as work:
        work.new_segment().discard()
    assert not work.path.exists()


def test_removing_it_leaves_files_that_are_not_its_own(clip: Path) -> None:
    with WorkFolder(plan_of(clip)) as work:
        add_segment(work, 0)
        (work.path / "notes.txt").write_text("a user's")
        work.remove()
    assert os.listdir(work.path) == ["notes.txt"]


def test_a_damaged_segment_ends_what_is_finished_and_is_reported(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    plan = plan_of(clip)
    folder = with_segments(plan, 3)
    (folder / "000001.segment").write_bytes(b"damaged")
    with WorkFolder(plan) as work:
        assert work.segments == 1
    assert "000001.segment: is damaged" in caplog.text
    assert names(folder) == ["000000.segment"]


def test_unfinished_files_of_a_killed_process_are_removed(clip: Path) -> None:
    plan = plan_of(clip)
    folder = with_segments(plan, 1)
    for name in ("000001.segment.part", "uprez-01234567.part.mkv"):
        (folder / name).write_bytes(b"unfinished")
    with WorkFolder(plan):
        assert sorted(path.name for path in folder.iterdir()) == ["000000.segment", "job.json", "lock"]


def test_segments_of_other_settings_are_neither_used_nor_removed(clip: Path) -> None:
    folder = with_segments(plan_of(clip), 2)
    message = rf"{re.escape(str(folder))}: can't be continued: .*another job \(`crf` was None, is 20.0\); `uprez clean"
    with pytest.raises(OutputError, match=message):
        WorkFolder(plan_of(clip, crf=20))
    assert names(folder) == ["000000.segment", "000001.segment"]


def test_segments_of_another_source_are_refused(clip: Path) -> None:
    with_segments(plan_of(clip), 1)
    os.utime(clip, ns=(1, 1))
    with pytest.raises(OutputError, match="the source has changed"):
        WorkFolder(plan_of(clip))


def test_a_damaged_manifest_does_not_cost_the_segments(clip: Path) -> None:
    folder = with_segments(plan_of(clip), 1)
    (folder / "job.json").write_bytes(b"{")
    with pytest.raises(OutputError, match=r"its job\.json is damaged"):
        WorkFolder(plan_of(clip))
    assert names(folder) == ["000000.segment"]


def test_a_job_without_segments_gives_way_to_one_with_other_settings(clip: Path) -> None:
    work_path(plan_of(clip).target).mkdir()
    with WorkFolder(plan_of(clip, crf=20)) as work:
        assert work.segments == 0


def test_a_second_process_is_refused_while_the_first_works(clip: Path) -> None:
    plan = plan_of(clip)
    with WorkFolder(plan) as work:
        add_segment(work, 0)
        with pytest.raises(OutputError, match="another process works on this output"):
            WorkFolder(plan)
    with WorkFolder(plan) as again:
        assert again.segments == 1


def test_a_folder_that_is_read_only_is_an_error_of_one_line(clip: Path) -> None:
    folder = with_segments(plan_of(clip), 1)
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(OutputError, match="is not writable"):
            WorkFolder(plan_of(clip))
    finally:
        folder.chmod(0o700)


def test_a_file_of_that_name_is_an_error_of_one_line(clip: Path) -> None:
    plan = plan_of(clip)
    work_path(plan.target).write_text("a user's")
    with pytest.raises(OutputError, match="File exists"):
        WorkFolder(plan)
    assert work_path(plan.target).read_text() == "a user's"


def test_a_segment_that_can_not_be_read_for_a_moment_is_not_removed(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(clip)
    folder = with_segments(plan, 3)
    with monkeypatch.context() as failing:
        read = Path.read_bytes

        def fail(path: Path) -> bytes:
            if path.name == "000001.segment":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return read(path)

        failing.setattr(Path, "read_bytes", fail)
        with pytest.raises(OutputError, match=r"000001\.segment: can't be read .*: nothing was removed; try again"):
            WorkFolder(plan)
    with WorkFolder(plan) as work:
        assert work.segments == 3
    assert len(names(folder)) == 3


def test_a_process_that_begins_after_the_removal_keeps_its_folder(clip: Path) -> None:
    plan = plan_of(clip)
    with WorkFolder(plan) as first:
        add_segment(first, 0)
        first.remove()
        second = WorkFolder(plan)
        second.new_segment().discard()
    with second:
        assert (second.path / "job.json").exists()
        with pytest.raises(OutputError, match="another process works on this output"):
            WorkFolder(plan)

"""`uprez clean`: what it removes."""

import os
from pathlib import Path

from tests.cli.conftest import Call
from tests.files.durable.test_segmenting import plan_of
from tests.files.durable.test_work_folder import with_segments


def test_clean_removes_the_segments_of_a_job_and_nothing_else(uprez: Call, clip: Path) -> None:
    folder = with_segments(plan_of(clip), 1)
    ended = uprez("clean", folder)
    assert ended.code == 0
    assert ended.out.startswith(f"{folder}: removed, ")
    assert os.listdir(clip.parent) == [clip.name]


def test_clean_of_what_is_no_job_is_an_error(uprez: Call, clip: Path) -> None:
    ended = uprez("clean", clip)
    assert ended.code == 2
    assert "no unfinished job there" in ended.err
    assert clip.exists()

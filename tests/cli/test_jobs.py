"""`uprez jobs`: what it prints."""

import json
from pathlib import Path

from tests.cli.conftest import Call
from tests.files.durable.test_segmenting import plan_of
from tests.files.durable.test_work_folder import with_segments


def test_jobs_prints_a_line_for_each_unfinished_job(uprez: Call, clip: Path) -> None:
    folder = with_segments(plan_of(clip), 2)
    ended = uprez("jobs", clip.parent)
    assert ended.code == 0
    assert ended.out.startswith(f"{folder}: 12 of 12 frames of {clip}, ")
    assert ended.out.endswith(", interrupted\n")


def test_jobs_says_that_there_is_none(uprez: Call, tmp_path: Path) -> None:
    assert uprez("jobs", tmp_path).out == f"no unfinished job in {tmp_path}\n"


def test_jobs_as_json_has_the_facts(uprez: Call, clip: Path) -> None:
    folder = with_segments(plan_of(clip), 1)
    [job] = json.loads(uprez("jobs", clip.parent, "--json").out)
    assert (job["path"], job["source"], job["in_progress"]) == (str(folder), str(clip), False)


def test_jobs_of_what_is_no_folder_is_an_error(uprez: Call, clip: Path) -> None:
    ended = uprez("jobs", clip)
    assert ended.code == 2
    assert "is no folder" in ended.err

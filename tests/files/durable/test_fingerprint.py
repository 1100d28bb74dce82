"""The fingerprint differs where the output may, and the difference is named as users know it."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.files.durable.fingerprint import differences, fingerprint_digest, job_fingerprint, source_digest
from tests.files.durable.test_segmenting import plan_of


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"crf": 20}, "`crf` was None, is 20.0"),
        ({"preset": "fast"}, "`preset` was None, is fast"),
        ({"end": 1}, "`end` was None, is 1"),
        ({"streams": "video"}, "`streams` was all, is video"),
        ({"options": {"bf": "0"}}, "`options` was {}, is {'bf': '0'}"),
        ({"strength": 0.5}, "`strength` was 1.0, is 0.5"),
    ],
)
def test_another_setting_is_named_with_both_values(clip: Path, changed: dict[str, Any], named: str) -> None:
    found = differences(job_fingerprint(plan_of(clip)), job_fingerprint(plan_of(clip, **changed)))
    assert found == [named]


def test_another_model_is_named_with_both(clip: Path) -> None:
    [phrase] = differences(job_fingerprint(plan_of(clip)), job_fingerprint(plan_of(clip, model="clear-x2")))
    assert phrase.startswith("model was identity")
    assert "is clear-x2" in phrase


@pytest.mark.parametrize("changed", [{"encoders": 3}, {"threads": 1}, {"queue": 4}, {"quiet": True}, {"strict": True}])
def test_settings_without_effect_on_the_output_change_nothing(clip: Path, changed: dict[str, Any]) -> None:
    assert job_fingerprint(plan_of(clip)) == job_fingerprint(plan_of(clip, **changed))


def test_another_version_is_named(clip: Path) -> None:
    now = job_fingerprint(plan_of(clip))
    before = {**now, "version": "uprez 0.1.0"}
    assert differences(before, now) == [f"version was uprez 0.1.0, is {now['version']}"]
    assert fingerprint_digest(before) != fingerprint_digest(now)


def test_a_source_with_other_contents_of_the_same_size_is_another(tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    path.write_bytes(bytes(5000))
    facts = path.stat()
    before = source_digest((path,))
    path.write_bytes(bytes(4999) + b"1")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert source_digest((path,)) != before


def test_a_source_that_was_written_again_is_another(tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    path.write_bytes(bytes(10))
    before = source_digest((path,))
    os.utime(path, ns=(1, 1))
    assert source_digest((path,)) != before


def test_a_source_that_is_missing_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        source_digest((tmp_path / "missing.mkv",))


def test_a_choice_that_no_setting_explains_is_named_by_its_kind() -> None:
    assert differences({"encoding": "1"}, {"encoding": "2"}) == ["another choice of encoding"]
    assert differences({"source": "1", "frames": "1"}, {"source": "2", "frames": "2"}) == ["the source has changed"]

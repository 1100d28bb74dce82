"""The outcome of a job."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.files.result import Result

RESULT = Result(Path("a.mkv"), 12, 10, False, True, 2, 1, 5.0, "ONNX Runtime", "encode")


def test_rate_is_frames_written_per_second() -> None:
    assert RESULT.rate == 2
    assert replace(RESULT, seconds=0.0).rate == 0


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("complete", "not Result.stopped", True),
        ("whole", "Result.source_intact", True),
        ("lost", "Result.frames_lost", 2),
        ("damaged", "Result.frames_damaged", 1),
    ],
)
def test_old_names_work_with_a_deprecation_warning(old: str, new: str, value: object) -> None:
    with pytest.warns(DeprecationWarning, match=f"^Result.{old} is now {new}; ") as warned:
        assert getattr(RESULT, old) == value
    assert warned[0].filename == __file__

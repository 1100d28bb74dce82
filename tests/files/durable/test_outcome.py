"""The outcome of a job is kept until its segments are joined."""

from pathlib import Path

import pytest

from pipeline.files.durable.outcome import Outcome

OUTCOME = Outcome(10, 11, 1, 2, False, "ONNX Runtime", ("2 frames are damaged",))


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    OUTCOME.write(tmp_path / "outcome.json")
    assert Outcome.read(tmp_path / "outcome.json") == OUTCOME


@pytest.mark.parametrize("content", [b"", b"{}", b'{"facts": {"frames": 1}, "sum": ""}'])
def test_a_damaged_outcome_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outcome.json").write_bytes(content)
    assert Outcome.read(tmp_path / "outcome.json") is None


def test_a_missing_outcome_is_none(tmp_path: Path) -> None:
    assert Outcome.read(tmp_path / "outcome.json") is None

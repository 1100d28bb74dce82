"""What people are told of interlaced video, and how they choose what becomes of it."""

import json
from pathlib import Path

import pytest

from tests import interlaced
from tests.cli.conftest import Call

FAST = ("--model", "identity", "--backend", "onnx")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Thirty frames, bottom field first."""
    return interlaced.write(tmp_path / "video.mkv", interlaced.video(30, top_first=False), "bff", "mpeg2video")


def test_probe_tells_the_mark_and_what_will_be_done(video: Path, uprez: Call) -> None:
    told = uprez("probe", video, *FAST)
    assert told.code == 0
    assert "marked as interlaced, bottom field first" in told.out
    assert "it is interlaced, bottom field first: deinterlaced" in " ".join(told.err.split())


def test_probe_tells_it_to_programs(video: Path, uprez: Call) -> None:
    told = json.loads(uprez("probe", video, *FAST, "--json", "--deinterlace", "field").out)
    assert told["video"]["interlaced"] is True
    assert told["video"]["top_field_first"] is False
    assert told["plan"]["deinterlacing"] == {"which": "all", "top_first": False, "doubled": True}
    told = json.loads(uprez("probe", video, *FAST, "--json", "--deinterlace", "off").out)
    assert told["plan"]["deinterlacing"] is None


def test_a_result_of_fields_is_verified(video: Path, tmp_path: Path, uprez: Call) -> None:
    made = tmp_path / "out.mkv"
    assert uprez("upscale", video, made, *FAST, "--crf", "8", "--deinterlace", "field").code == 0
    verified = uprez("verify", video, made)
    assert verified.code == 0
    assert "60 of 60 frames" in verified.out
    assert uprez("verify", video, made, "--deinterlace", "field", "--quick").code == 0


def test_what_is_no_choice_is_refused(video: Path, tmp_path: Path, uprez: Call) -> None:
    told = uprez("upscale", video, tmp_path / "out.mkv", "--deinterlace", "bob")
    assert told.code == 2
    assert "--deinterlace = 'bob'" in " ".join(told.err.split())

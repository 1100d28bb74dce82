"""Interlaced video: what is reported, and how `--deinterlace` changes the output."""

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


def test_probe_reports_interlacing_and_deinterlacing(video: Path, uprez: Call) -> None:
    report = uprez("probe", video, *FAST)
    assert report.code == 0
    assert "marked as interlaced, bottom field first" in report.out
    assert "it is interlaced, bottom field first: deinterlaced" in " ".join(report.err.split())


def test_probe_reports_interlacing_and_deinterlacing_as_json(video: Path, uprez: Call) -> None:
    report = json.loads(uprez("probe", video, *FAST, "--json", "--deinterlace", "field").out)
    assert report["video"]["interlaced"] is True
    assert report["video"]["top_field_first"] is False
    assert report["plan"]["deinterlacing"] == {"which": "all", "top_first": False, "doubled": True}
    report = json.loads(uprez("probe", video, *FAST, "--json", "--deinterlace", "off").out)
    assert report["plan"]["deinterlacing"] is None


def test_output_with_a_frame_per_field_is_verified(video: Path, tmp_path: Path, uprez: Call) -> None:
    made = tmp_path / "out.mkv"
    assert uprez("upscale", video, made, *FAST, "--crf", "8", "--deinterlace", "field").code == 0
    verified = uprez("verify", video, made)
    assert verified.code == 0
    assert "60 of 60 frames" in verified.out
    assert uprez("verify", video, made, "--deinterlace", "field", "--quick").code == 0


def test_unknown_kind_of_deinterlacing_is_refused(video: Path, tmp_path: Path, uprez: Call) -> None:
    report = uprez("upscale", video, tmp_path / "out.mkv", "--deinterlace", "bob")
    assert report.code == 2
    assert "--deinterlace = 'bob'" in " ".join(report.err.split())

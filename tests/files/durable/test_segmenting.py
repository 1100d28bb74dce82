"""Which jobs write segments, and of how many frames."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.files.plan import Plan, make_plan
from pipeline.media.reading.probe import probe


def plan_of(clip: Path, output: str = "out.mkv", **settings: Any) -> Plan:
    values = {"model": "identity", "backend": "onnx", "resume": True} | settings
    return make_plan(probe(clip), clip.with_name(output), Settings.load(None, **values))


def test_a_job_without_resume_has_no_segments(clip: Path) -> None:
    plan = plan_of(clip, resume=False)
    assert (plan.segment_frames, plan.encoding.encoders, plan.encoding.gop) == (0, 1, 0)


def test_segments_of_one_encoder_are_encoded_by_two_in_turn(clip: Path) -> None:
    plan = plan_of(clip)
    assert (plan.segment_frames, plan.encoding.gop, plan.encoding.encoders) == (48, 48, 2)


@pytest.mark.parametrize(("gop", "frames"), [("12", 48), ("30", 60), ("1", 48), ("600", 48)])
def test_segments_consist_of_complete_gops_of_the_length_that_is_requested(clip: Path, gop: str, frames: int) -> None:
    assert plan_of(clip, options={"g": gop}).segment_frames == frames


def test_segments_of_parallel_encoders_consist_of_their_gops(clip: Path) -> None:
    plan = plan_of(clip, encoders=2, frames=96)
    assert plan.encoding.encoders > 1
    assert plan.segment_frames % plan.encoding.gop == 0


@pytest.mark.parametrize(
    ("output", "settings", "reason"),
    [
        ("out.mkv", {"options": {"b": "2M"}}, "b=2M applies to the video as a whole"),
        ("out.mkv", {"options": {"x264-params": "vbv-maxrate=900"}}, "vbv-maxrate=900 applies to the video as a whole"),
        ("out%03d.png", {}, "the output is no container of video"),
        ("out.gif", {}, "the output is no container of video"),
    ],
)
def test_a_job_that_cannot_be_cut_has_a_note_with_the_reason(
    clip: Path, output: str, settings: dict[str, Any], reason: str
) -> None:
    plan = plan_of(clip, output, **settings)
    assert plan.segment_frames == 0
    assert f"the job can't be resumed if it is interrupted: {reason}" in plan.notes

"""Rotated videos: by a tag or by rotated frames, never by both."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.writing.rotation import plan_rotation, resized

ONE = 65536
QUARTER, MIRRORED = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30), (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
ODD = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return replace(probe(clip).video, sample_aspect=Fraction(4, 3))


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.m4v"])
def test_the_mp4_family_keeps_the_tag_and_unrotated_frames(video: VideoInfo, name: str) -> None:
    rotated = replace(video, display_matrix=QUARTER)
    plan = plan_rotation(rotated, Path(name))
    assert (plan.rotation, plan.video, plan.note) == (None, rotated, None)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.ts", "a.png", "%05d.jpg", "a.gif", "-"])
def test_other_outputs_have_rotated_frames_and_no_tag(video: VideoInfo, name: str) -> None:
    plan = plan_rotation(replace(video, display_matrix=QUARTER), Path(name))
    assert plan.rotation == Orientation(transposed=True, across=True)
    assert plan.video.display_matrix is None
    assert (plan.video.format.width, plan.video.format.height) == (48, 64)
    assert plan.video.sample_aspect == Fraction(3, 4)
    assert plan.video.format.colour == video.format.colour
    kind = Path(name).suffix or "y4m"
    assert plan.note == f"frames are {plan.rotation}: not all players of {kind} apply rotation tags"


def test_mirrored_videos_have_mirrored_frames_in_any_container(video: VideoInfo) -> None:
    plan = plan_rotation(replace(video, display_matrix=MIRRORED), Path("a.mp4"))
    assert plan.rotation == Orientation(across=True)
    assert (plan.video.display_matrix, plan.video.sample_aspect) == (None, Fraction(4, 3))


@pytest.mark.parametrize("matrix", [None, (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)])
def test_upright_videos_are_unchanged(video: VideoInfo, matrix: tuple[int, ...] | None) -> None:
    plan = plan_rotation(replace(video, display_matrix=matrix), Path("a.mkv"))
    assert (plan.rotation, plan.video, plan.note) == (None, video, None)


def test_the_tag_is_scaled_with_the_video(video: VideoInfo) -> None:
    stretched = (0, 2 * ONE, 0, -ONE, 0, 0, 48 * ONE, 1 << 31, 1 << 30)
    plan = plan_rotation(replace(video, display_matrix=stretched), Path("a.mp4"))
    enlarged = resized(plan.video, 128, 96, video.sample_aspect)
    assert enlarged.display_matrix == (0, ONE, 0, -ONE, 0, 0, 96 * ONE, 0, 1 << 30)
    assert (enlarged.format.width, enlarged.format.height) == (128, 96)


def test_the_translation_of_a_rotated_video_is_scaled_as_players_show_it(video: VideoInfo) -> None:
    moved = replace(video, display_matrix=(0, ONE, 0, -ONE, 0, 0, 48 * ONE, 10 * ONE, 1 << 30))
    stretched = resized(moved, 3 * 64, 2 * 48, Fraction(1))
    assert stretched.display_matrix == (0, ONE, 0, -ONE, 0, 0, 2 * 48 * ONE, 3 * 10 * ONE, 1 << 30)
    assert stretched.sample_aspect == 1


@pytest.mark.parametrize(
    ("name", "carried", "tag_note"),
    [
        ("a.mov", ODD, "its tag is copied"),
        ("a.mkv", ODD, "its tag is copied"),
        ("a.webm", None, "its tag is dropped: .webm does not support it; .mov does"),
        ("-", None, "its tag is dropped: y4m does not support it; .mov does"),
    ],
)
def test_odd_angles_are_not_applied_and_noted(
    video: VideoInfo, name: str, carried: tuple[int, ...] | None, tag_note: str
) -> None:
    plan = plan_rotation(replace(video, display_matrix=ODD), Path(name))
    assert (plan.rotation, plan.video.display_matrix) == (None, carried)
    assert plan.note == f"the video is tagged to be displayed at an odd angle: frames are not rotated, {tag_note}"


def test_the_tag_of_a_skewed_video_is_kept_in_mov_only(video: VideoInfo) -> None:
    skewed = replace(video, display_matrix=(ONE, ONE // 2, 0, 0, ONE, 0, 0, 0, 1 << 30))
    assert plan_rotation(skewed, Path("a.mov")).video == skewed
    assert plan_rotation(skewed, Path("a.mkv")).video.display_matrix is None

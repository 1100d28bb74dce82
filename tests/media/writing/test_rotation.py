"""Rotated videos: by a tag or by rotated frames, never by both."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.writing.rotation import plan_rotation

ONE = 65536
QUARTER, MIRRORED = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30), (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
ODD = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return replace(probe(clip).video, sample_aspect=Fraction(4, 3))


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.m4v"])
def test_the_mp4_family_keeps_the_tag_and_unrotated_frames(video: VideoInfo, name: str) -> None:
    turned = replace(video, display_matrix=QUARTER)
    made = plan_rotation(turned, Path(name), 2)
    assert (made.rotation, made.video, made.note) == (None, turned, None)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.ts", "a.png", "%05d.jpg", "a.gif", "-"])
def test_other_outputs_have_rotated_frames_and_no_tag(video: VideoInfo, name: str) -> None:
    made = plan_rotation(replace(video, display_matrix=QUARTER), Path(name), 2)
    assert made.rotation == Orientation(transposed=True, across=True)
    assert made.video.display_matrix is None
    assert (made.video.format.width, made.video.format.height) == (48, 64)
    assert made.video.sample_aspect == Fraction(3, 4)
    assert made.video.format.colour == video.format.colour
    kind = Path(name).suffix or "y4m"
    assert made.note == f"frames are {made.rotation}: not all players of {kind} apply rotation tags"


def test_mirrored_videos_have_mirrored_frames_in_any_container(video: VideoInfo) -> None:
    made = plan_rotation(replace(video, display_matrix=MIRRORED), Path("a.mp4"), 2)
    assert made.rotation == Orientation(across=True)
    assert (made.video.display_matrix, made.video.sample_aspect) == (None, Fraction(4, 3))


@pytest.mark.parametrize("matrix", [None, (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)])
def test_upright_videos_are_unchanged(video: VideoInfo, matrix: tuple[int, ...] | None) -> None:
    made = plan_rotation(replace(video, display_matrix=matrix), Path("a.mkv"), 2)
    assert (made.rotation, made.video, made.note) == (None, video, None)


def test_the_tag_is_scaled_with_the_video(video: VideoInfo) -> None:
    stretched = (0, 2 * ONE, 0, -ONE, 0, 0, 48 * ONE, 1 << 31, 1 << 30)
    made = plan_rotation(replace(video, display_matrix=stretched), Path("a.mp4"), 2)
    assert made.video.display_matrix == (0, ONE, 0, -ONE, 0, 0, 96 * ONE, 0, 1 << 30)


@pytest.mark.parametrize(
    ("name", "carried", "said"),
    [
        ("a.mov", ODD, "its tag is copied"),
        ("a.mkv", ODD, "its tag is copied"),
        ("a.webm", None, "its tag is dropped: .webm does not support it; .mov does"),
        ("-", None, "its tag is dropped: y4m does not support it; .mov does"),
    ],
)
def test_odd_angles_are_not_applied_and_noted(
    video: VideoInfo, name: str, carried: tuple[int, ...] | None, said: str
) -> None:
    made = plan_rotation(replace(video, display_matrix=ODD), Path(name), 2)
    assert (made.rotation, made.video.display_matrix) == (None, carried)
    assert made.note == f"the video is tagged to be displayed at an odd angle: frames are not rotated, {said}"


def test_the_tag_of_a_skewed_video_is_kept_in_mov_only(video: VideoInfo) -> None:
    skewed = replace(video, display_matrix=(ONE, ONE // 2, 0, 0, ONE, 0, 0, 0, 1 << 30))
    assert plan_rotation(skewed, Path("a.mov"), 1).video == skewed
    assert plan_rotation(skewed, Path("a.mkv"), 1).video.display_matrix is None

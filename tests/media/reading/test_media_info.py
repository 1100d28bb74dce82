"""Descriptions derive times, durations and files from their fields."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.probe import probe
from tests import images


@pytest.fixture
def media(clip: Path) -> MediaInfo:
    return probe(clip)


def test_start_time_is_in_seconds(media: MediaInfo) -> None:
    video = replace(media.video, start=-45, time_base=Fraction(1, 90))
    assert video.start_time == Fraction(-1, 2)


def test_frame_duration_is_in_ticks_and_never_zero(media: MediaInfo) -> None:
    assert replace(media.video, rate=Fraction(25), time_base=Fraction(1, 1000)).frame_duration == 40
    assert replace(media.video, rate=Fraction(60), time_base=Fraction(1, 25)).frame_duration == 1


def test_files_are_the_video_or_the_images_and_none_for_a_pipe(media: MediaInfo, tmp_path: Path) -> None:
    assert media.files == (media.path,)
    assert replace(media, pipe=Pipe(0)).files == ()
    sequence = probe(images.sequence(tmp_path / "images", [1, 3]))
    assert [file.name for file in sequence.files] == ["001.png", "003.png"]


def test_renamed_attributes_work_with_a_warning(media: MediaInfo) -> None:
    with pytest.warns(DeprecationWarning, match="MediaInfo.pictures is now images"):
        assert media.pictures is None
    with pytest.warns(DeprecationWarning, match="VideoInfo.first is now start_time"):
        assert media.video.first == media.video.start_time
    with pytest.warns(DeprecationWarning, match="VideoInfo.lasting is now frame_duration"):
        assert media.video.lasting == media.video.frame_duration

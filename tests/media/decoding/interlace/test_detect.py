"""A few decoded frames show whether a video is interlaced, and whether its marks are correct."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.media.decoding.interlace import detect
from pipeline.media.decoding.interlace.detect import InterlaceDetector, detect_interlacing
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.probe import probe
from tests import clips, interlaced


def detected_in(path: Path) -> InterlaceDetector:
    return detect_interlacing(probe(path))


@pytest.mark.parametrize("top_first", [True, False])
def test_unmarked_interlaced_video_is_found(tmp_path: Path, top_first: bool) -> None:
    found = detected_in(interlaced.write(tmp_path / "video.mkv", interlaced.video(40, top_first)))
    assert found.is_interlaced
    assert found.top_first is top_first
    assert found.marked == 0
    assert not found.has_correct_marks


def test_film_is_progressive_whatever_its_marks(tmp_path: Path) -> None:
    for mark in ("prog", "tff"):
        found = detected_in(interlaced.write(tmp_path / f"{mark}.mkv", interlaced.film(40), mark))
        assert found.is_progressive
        assert not found.has_correct_marks
        assert found.top_first is None


def test_marks_that_agree_with_the_frames_are_correct(tmp_path: Path) -> None:
    mixed = [*interlaced.video(20), *interlaced.film(20)]
    found = detected_in(interlaced.write(tmp_path / "mixed.mkv", mixed, ["tff"] * 20 + ["prog"] * 20))
    assert found.has_correct_marks
    assert not found.is_interlaced
    assert not found.is_progressive


def test_marks_on_progressive_parts_are_incorrect(tmp_path: Path) -> None:
    found = detected_in(interlaced.write(tmp_path / "parts.mkv", [*interlaced.video(20), *interlaced.film(20)], "tff"))
    assert not found.has_correct_marks
    assert not found.is_telecined


def test_telecine_is_recognised_by_its_rhythm(tmp_path: Path) -> None:
    found = detected_in(interlaced.write(tmp_path / "telecine.mkv", interlaced.telecined(40)))
    assert found.is_telecined
    assert not found.is_interlaced
    assert not found.is_progressive
    assert found.top_first is True


def test_detection_decodes_few_frames(tmp_path: Path) -> None:
    assert 9 <= detected_in(interlaced.write(tmp_path / "film.mkv", interlaced.film(80))).frames <= 27
    assert detected_in(interlaced.write(tmp_path / "short.mkv", interlaced.film(3))).frames == 3


def test_frames_after_the_same_key_frame_are_counted_once(tmp_path: Path) -> None:
    path = interlaced.write(tmp_path / "long.mp4", interlaced.film(60), codec="libx264", g="250")
    assert detected_in(path).frames == 9


def test_detection_is_limited_to_the_excerpt(tmp_path: Path) -> None:
    path = interlaced.write(tmp_path / "parts.mkv", [*interlaced.film(60), *interlaced.video(60)])
    media = probe(path)
    assert detect_interlacing(media, end=Fraction(2)).is_progressive
    assert detect_interlacing(media, start=Fraction(5, 2)).is_interlaced


def test_still_video_is_inconclusive(tmp_path: Path) -> None:
    found = detected_in(interlaced.write(tmp_path / "still.mkv", [interlaced.luma_at(0)] * 40, "tff"))
    assert not found.is_conclusive
    assert found.marked == found.frames > 0


def test_pipes_and_images_are_not_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = probe(interlaced.write(tmp_path / "video.mkv", interlaced.video(4)))
    image = probe(clips.make(tmp_path / "one.png", 1, codec="png", pixel="rgb24", audio=False))
    monkeypatch.setattr(detect, "open_input", None)
    assert detect_interlacing(replace(media, pipe=Pipe(0))) == InterlaceDetector()
    assert detect_interlacing(image) == InterlaceDetector()


def test_truncated_file_is_examined_as_far_as_possible(tmp_path: Path) -> None:
    path = interlaced.write(tmp_path / "video.ts", interlaced.video(60), "tff", "mpeg2video")
    media = probe(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert detect_interlacing(media).is_interlaced


def test_missing_file_raises(tmp_path: Path) -> None:
    path = interlaced.write(tmp_path / "video.mkv", interlaced.video(40))
    media = probe(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        detect_interlacing(media)

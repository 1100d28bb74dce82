"""A piece of a video, read repeatedly, with times that are counted from the first frame."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.quality import save_png
from pipeline.errors import InputError
from tests import clips, rotated
from tests.diagnostics.comparison.pairs import settings


def test_a_clip_can_be_read_repeatedly(clip: Path) -> None:
    piece = Clip(clip, settings())
    assert piece.times() == piece.times() == pytest.approx([0.04 * index for index in range(12)])


def test_times_are_counted_from_the_first_frame(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "late.mkv", pts=[90_000, 90_512, 92_000], frames=3)
    assert Clip(path, settings()).times() == pytest.approx([0, 0.04, 0.156], abs=0.0015)


def test_a_piece_begins_and_ends_where_the_settings_say(clip: Path) -> None:
    piece = Clip(clip, settings(start=Fraction(1, 5), end=Fraction(2, 5)))
    frames = [(timed.time, int(timed.frame.planes[0][24, 32])) for timed in piece.frames()]
    assert [time for time, _ in frames] == pytest.approx([0.2, 0.24, 0.28, 0.32, 0.36])
    assert [luma for _, luma in frames] == pytest.approx([clips.shade(index) for index in range(5, 10)], abs=3)


def test_a_piece_beyond_the_end_is_an_input_error_that_names_both_times(clip: Path) -> None:
    with pytest.raises(InputError, match=r"clip.mp4: has no frame from 60 s on, it ends after 0.\d\d s: choose an ear"):
        Clip(clip, settings(start=60)).times()
    with pytest.raises(InputError, match="has no frame from 60 s on"):
        Clip(clip, settings(start=60)).first(iter(()))


def test_an_image_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    save_png(tmp_path / "image.png", np.zeros((20, 30, 3), np.uint8))
    piece = Clip(tmp_path / "image.png", settings())
    assert (piece.times(), str(piece.format)) == ((0.0,), "30x20 gbrp")


def test_frames_of_a_video_with_a_rotation_tag_are_rotated(tmp_path: Path) -> None:
    path = rotated.with_matrix(clips.make(tmp_path / "clip.mp4"), tmp_path / "phone.mp4", rotated.QUARTER)
    piece = Clip(path, settings())
    width, height = piece.media.video.format.width, piece.media.video.format.height
    assert (piece.format.width, piece.format.height) == (height, width)
    assert next(piece.frames()).frame.planes[0].shape == (width, height)


def test_a_pipe_is_refused() -> None:
    with pytest.raises(InputError, match="save the video as a file first"):
        Clip(Path("-"), settings())


def test_a_file_without_video_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not a video"):
        Clip(tmp_path / "a.mkv", settings())

"""Frames of a video as RGB, and images that compare them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.diagnostics.quality import (
    encode_png,
    frame_image,
    read_frames,
    read_rgb,
    save_png,
    side_by_side,
    to_8_bit,
)
from pipeline.errors import InputError, OutputError
from pipeline.frame import Frame
from tests import clips


def test_frames_are_read_in_order_with_their_own_format_and_times(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mp4", frames=5)
    frames = list(read_frames(path))
    assert [frame.pts for frame in frames] == [512 * index for index in range(5)]
    assert {str(frame.format) for frame in frames} == {"64x48 yuv420p"}
    assert [int(frame.planes[0][24, 32]) for frame in frames] == pytest.approx(
        [clips.shade(index) for index in range(5)], abs=3
    )


def test_frames_are_converted_to_rgb(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv", frames=3, audio=False)
    images = list(read_rgb(path))
    assert [image.shape for image in images] == [(48, 64, 3)] * 3
    expected = [round((clips.shade(index) - 16) * 255 / 219) for index in range(3)]
    assert [int(image[24, 32].mean()) for image in images] == pytest.approx(expected, abs=3)


def test_a_file_that_is_no_video_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"nothing")
    with pytest.raises(InputError):
        next(read_frames(tmp_path / "a.mkv"))


def test_floats_are_rounded_and_clamped() -> None:
    assert to_8_bit(np.array([-3.0, 0.4, 1.6, 300.0])).tolist() == [0, 0, 2, 255]


def test_images_are_joined_from_left_to_right_and_written_as_png(tmp_path: Path) -> None:
    red = np.zeros((40, 50, 3), np.uint8)
    red[..., 0] = 255
    save_png(tmp_path / "joined.png", side_by_side([("before", red), ("after", red)]))
    written = cv2.imread(str(tmp_path / "joined.png"))
    assert written is not None
    assert written.shape == (66, 102, 3)
    assert written[-1, 0].tolist() == [0, 0, 255]


def test_a_png_that_can_not_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        save_png(tmp_path / "nowhere" / "image.png", np.zeros((4, 4, 3), np.uint8))


def test_a_frame_is_an_image_of_floats_that_are_not_clamped(frame: Frame) -> None:
    image = frame_image(frame)
    assert image.shape == (16, 32, 3)
    assert image.dtype == np.float32
    assert image.min() < 0 or image.max() > 255


def test_an_image_that_can_not_be_encoded_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(OutputError, match="can't be encoded as PNG"):
        encode_png(np.zeros((4, 4, 3), np.uint8))

"""Still images and animations keep as much of the source's format as theirs allows."""

from pathlib import Path

import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting
from pipeline.media.encoding.image_codecs import image_encoder_for, image_format


def kept(file: str, pixel: str) -> FrameFormat:
    spec = image_encoder_for(Path(file))
    assert spec
    assert spec.image
    return image_format(spec.image, FrameFormat(8, 8, PIXEL_FORMATS[pixel], Colour(1, False)))


@pytest.mark.parametrize(
    ("file", "pixel", "expected"),
    [
        ("a.png", "yuva444p10le", "gbrap16le"),
        ("a.apng", "yuv422p10le", "gbrp16le"),
        ("a.gif", "gray", "gbrp"),
        ("a.gif", "yuva420p", "gbrap"),
    ],
)
def test_an_image_keeps_depth_gray_and_alpha_where_its_format_can(file: str, pixel: str, expected: str) -> None:
    format = kept(file, pixel)
    assert (format.pixel.name, format.colour.full_range) == (expected, True)


def test_a_deep_animation_with_alpha_has_8_bits_as_ffmpeg_cannot_decode_16() -> None:
    assert kept("a.apng", "gbrap16le").pixel.name == "gbrap"


def test_jpeg_has_the_colour_of_jfif() -> None:
    colour = kept("a.jpg", "yuv420p").colour
    assert (colour.matrix, colour.full_range, colour.siting) == (5, True, Siting.CENTRE)


@pytest.mark.parametrize("file", ["film.mkv", "film.mp4", "film"])
def test_a_video_file_has_no_image_encoder(file: str) -> None:
    assert image_encoder_for(Path(file)) is None

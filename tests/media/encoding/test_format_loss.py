"""What a result does not keep is said in a line, with what would keep it."""

from fractions import Fraction

import pytest

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.encoding.format_loss import format_losses
from tests.frames import Size, format_of


def lines(
    source: str, codec: str, made: str, form: str | None = None, chosen: bool = False, size: Size = (64, 48)
) -> list[str]:
    encoding = VideoEncoding(codec, format_of(made, size), Fraction(25), Fraction(1, 25))
    return list(format_losses(PIXEL_FORMATS[source], encoding, form, is_chosen=chosen))


@pytest.mark.parametrize(
    ("source", "codec", "made", "line"),
    [
        (
            "yuv420p12le",
            "libx264",
            "yuv420p10le",
            "yuv420p12le here; the result is yuv420p10le; --codec libx265 keeps it",
        ),
        ("yuv422p16le", "libx265", "yuv422p12le", "yuv422p16le here; the result is yuv422p12le; --codec ffv1 keeps it"),
        ("yuv444p", "libsvtav1", "yuv420p", "yuv444p here; the result is yuv420p; --codec libx264 keeps it"),
        ("gbrp", "libx264", "yuv444p", "gbrp here; the result is yuv444p; --codec libx265 keeps it"),
        ("yuv420p", "prores_ks", "yuv422p10le", "yuv420p here; the result is yuv422p10le"),
    ],
)
def test_depth_and_chroma(source: str, codec: str, made: str, line: str) -> None:
    assert lines(source, codec, made) == [f"{codec} does not take {line}"]


def test_a_size_that_no_encoder_takes_has_no_advice() -> None:
    assert lines("yuv420p", "libx264", "yuv444p", size=(63, 48)) == [
        "libx264 does not take yuv420p here; the result is yuv444p"
    ]


def test_alpha_and_what_keeps_it() -> None:
    (line,) = lines("yuva420p", "libx264", "yuv420p")
    assert line == (
        "its transparency (alpha) is lost: libx264 can't hold it; --codec auto keeps it in .mkv, .webm and .mov"
    )


def test_alpha_and_depth_are_two_lines() -> None:
    lost, changed = lines("yuva444p12le", "libx264", "yuv444p10le")
    assert lost.startswith("its transparency (alpha) is lost")
    assert changed.startswith("libx264 does not take yuv444p12le here")


def test_pictures_that_hold_no_alpha_say_which_do() -> None:
    (line,) = lines("gbrap", "mjpeg", "yuv444p", form="jpg")
    assert line == "its transparency (alpha) is lost: jpg can't hold it; .png, .tif, .webp and .apng keep it"


def test_what_the_user_chose_needs_no_words_but_for_alpha() -> None:
    assert lines("yuv420p10le", "libx264", "yuv420p", chosen=True) == []
    assert lines("yuva420p", "ffv1", "yuv420p", chosen=True) == ["its transparency (alpha) is lost: yuv420p has none"]


@pytest.mark.parametrize(("source", "made"), [("yuv420p", "yuv420p"), ("p010le", "yuv420p10le"), ("nv12", "yuv420p")])
def test_nothing_is_said_where_nothing_is_lost(source: str, made: str) -> None:
    assert lines(source, "libx264", made) == []

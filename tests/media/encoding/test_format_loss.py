"""Notes name what an output does not keep, and what would keep it."""

from fractions import Fraction

import pytest

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.encoding.format_loss import format_losses
from pipeline.media.encoding.video_encoding import VideoEncoding
from tests.frames import Size, format_of


def lines(
    source: str, codec: str, output: str, form: str | None = None, chosen: bool = False, size: Size = (64, 48)
) -> list[str]:
    encoding = VideoEncoding(codec, format_of(output, size), Fraction(25), Fraction(1, 25))
    return list(format_losses(PIXEL_FORMATS[source], encoding, form, is_chosen=chosen))


@pytest.mark.parametrize(
    ("source", "codec", "output", "better"),
    [
        ("yuv420p12le", "libx264", "yuv420p10le", "libx265"),
        ("yuv422p16le", "libx265", "yuv422p12le", "ffv1"),
        ("yuv444p", "libsvtav1", "yuv420p", "libx264"),
        ("gbrp", "libx264", "yuv444p", "libx265"),
    ],
)
def test_lost_depth_or_chroma_is_noted_with_an_encoder_that_keeps_it(
    source: str, codec: str, output: str, better: str
) -> None:
    (line,) = lines(source, codec, output)
    assert line == f'{codec} does not support {source} here; the output is {output}; `codec="{better}"` keeps it'


def test_another_format_without_loss_is_noted_without_advice() -> None:
    assert lines("yuv420p", "prores_ks", "yuv422p10le") == [
        "prores_ks does not support yuv420p here; the output is yuv422p10le"
    ]


def test_a_size_that_no_encoder_supports_has_no_advice() -> None:
    assert lines("yuv420p", "libx264", "yuv444p", size=(63, 48)) == [
        "libx264 does not support yuv420p here; the output is yuv444p"
    ]


def test_lost_alpha_is_noted_with_containers_that_keep_it() -> None:
    (line,) = lines("yuva420p", "libx264", "yuv420p")
    assert line == (
        'transparency (alpha) dropped: libx264 does not support it; `codec="auto"` keeps it in .mkv, .webm and .mov'
    )


def test_lost_alpha_and_depth_are_two_notes() -> None:
    lost, changed = lines("yuva444p12le", "libx264", "yuv444p10le")
    assert lost.startswith("transparency (alpha) dropped")
    assert changed.startswith("libx264 does not support yuv444p12le here")


def test_images_without_alpha_name_those_with_alpha() -> None:
    (line,) = lines("gbrap", "mjpeg", "yuv444p", form="jpg")
    assert line == "transparency (alpha) dropped: jpg does not support it; .png, .tif, .webp and .apng keep it"


def test_a_chosen_format_is_noted_only_if_it_drops_alpha() -> None:
    assert lines("yuv420p10le", "libx264", "yuv420p", chosen=True) == []
    assert lines("yuva420p", "ffv1", "yuv420p", chosen=True) == ["transparency (alpha) dropped: yuv420p has none"]


@pytest.mark.parametrize(("source", "output"), [("yuv420p", "yuv420p"), ("p010le", "yuv420p10le"), ("nv12", "yuv420p")])
def test_a_lossless_output_has_no_note(source: str, output: str) -> None:
    assert lines(source, "libx264", output) == []

"""Formats that few players decode in H.264 are noted."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.writing.playback import playback_note, reason_for_h265
from tests.frames import format_of


def encoding(codec: str, pixel: str = "yuv420p10le", size: tuple[int, int] = (1920, 1080)) -> VideoEncoding:
    return VideoEncoding(codec, format_of(pixel, size), Fraction(25), Fraction(1, 25))


@pytest.mark.parametrize("codec", ["libx264", "libx264rgb", "h264_nvenc"])
def test_ten_bits_in_h264_are_noted_with_what_to_do(codec: str) -> None:
    note = 'few players show 10 bit in H.264; more do in H.265: `codec="h265"`'
    assert playback_note(encoding(codec), Path("a.mkv")) == note
    assert playback_note(encoding(codec), Path("a.flv")) == f"{note}, in .mkv or .mp4"


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1"])
def test_ten_bits_in_other_codecs_are_not_noted(codec: str) -> None:
    assert playback_note(encoding(codec), Path("a.mkv")) is None


@pytest.mark.parametrize(
    ("pixel", "size", "reason"),
    [
        ("yuv420p", (1920, 1080), ""),
        ("nv12", (4096, 2304), ""),
        ("gray", (1920, 1080), ""),
        ("yuv420p", (7680, 4320), "few players show sides of 7680 in H.264"),
        ("yuv420p", (2160, 4098), "few players show sides of 4098 in H.264"),
        ("yuv422p", (1920, 1080), "few players show 4:2:2 in H.264"),
        ("yuv444p", (1920, 1080), "few players show 4:4:4 in H.264"),
        ("gbrp", (1920, 1080), "few players show RGB in H.264"),
        ("gray10le", (1920, 1080), "few players show 10 bit in H.264"),
    ],
)
def test_the_reason_to_prefer_h265_is_what_hardware_does_not_decode_in_h264(
    pixel: str, size: tuple[int, int], reason: str
) -> None:
    assert reason_for_h265(format_of(pixel, size)) == reason


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_hdr_is_a_reason_to_prefer_h265_at_any_depth(transfer: int) -> None:
    sdr = format_of("yuv420p", (64, 48))
    hdr = replace(sdr, colour=replace(sdr.colour, transfer=transfer))
    assert reason_for_h265(hdr) == "few players show HDR in H.264"

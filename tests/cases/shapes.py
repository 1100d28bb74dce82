"""Shapes: sizes that codecs don't like, samples that aren't square, pictures that are shown turned."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tests.cases.case import Case, Expected, case, evenly
from tests.cases.film import Film, film

_TEN = Expected(tuple(range(10)), evenly(10))


@case("1x1.mkv")
def single_sample(path: Path) -> Expected:
    """One sample a frame."""
    film(path, range(10), size=(1, 1), codec="ffv1", pixel="yuv444p")
    return _TEN


@case("2x2.mp4")
def four_samples(path: Path) -> Expected:
    """Four samples a frame, which share one colour."""
    film(path, range(10), size=(2, 2))
    return _TEN


@case("odd-420.webm")
def odd_420(path: Path) -> Expected:
    """Width and height are odd, though colour is kept for two by two samples; x264 takes no such frames."""
    film(path, range(10), size=(97, 65), codec="libvpx-vp9")
    return _TEN


@case("odd-444.mp4")
def odd_444(path: Path) -> Expected:
    """Width and height are odd, with a colour for each sample."""
    film(path, range(10), size=(97, 65), pixel="yuv444p")
    return _TEN


@case("16x4096.mp4")
def tall(path: Path) -> Expected:
    """256 times as high as wide."""
    film(path, range(5), size=(16, 4096))
    return Expected(tuple(range(5)), evenly(5))


@case("4096x16.mp4")
def wide(path: Path) -> Expected:
    """256 times as wide as high."""
    film(path, range(5), size=(4096, 16))
    return Expected(tuple(range(5)), evenly(5))


@case("oblong-samples.mp4")
def oblong_samples(path: Path) -> Expected:
    """Samples are to be shown 64:45 as wide as high."""
    with Film(path) as made:
        made.video(range(10)).codec_context.sample_aspect_ratio = Fraction(64, 45)
    return _TEN


def _turned(name: str, about: str, degrees: int, mirrored: bool = False) -> Case:
    def write(path: Path) -> Expected:
        with Film(path) as made:
            made.video(range(10)).set_display_rotation(degrees, hflip=mirrored)
        return _TEN

    write.__doc__ = about
    return case(name)(write)


quarter = _turned("quarter-turn.mp4", "To be shown turned by 90 degrees, as phones write.", 90)
half = _turned("half-turn.mp4", "To be shown upside down.", 180)
mirrored = _turned("mirrored.mp4", "To be shown mirrored, which no angle tells.", 0, mirrored=True)

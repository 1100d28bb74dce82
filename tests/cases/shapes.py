"""Shapes: sizes that codecs don't like, samples that aren't square, pictures that are shown turned."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from tests.cases import pattern, samples, truth
from tests.cases.case import Case, Expected, case, evenly
from tests.cases.chart import chart
from tests.cases.film import Film, film

Rotate = tuple[int, int, int, int]  # a, b, c, d of a display matrix, each -1, 0 or 1

RIGHT, LEFT = (0, 1, -1, 0), (0, -1, 1, 0)
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


def _turned(
    name: str, about: str, turn: Rotate, pixel: str = "yuv420p", siting: str = "left", oblong: Fraction = Fraction(1)
) -> Case:
    """Charts that are coded so that they are upright only when they are shown as the display matrix says."""
    a, b, c, d = turn
    tags, layout = replace(pattern.BT709, siting=siting), samples.layout(pixel)

    def draw(number: int) -> av.VideoFrame:
        coded = samples.turned(chart(number), _matrix((a, c, b, d)))  # transposed, it turns back
        return samples.filled(pixel, truth.coded(coded, layout, tags))

    def write(path: Path) -> Expected:
        size = pattern.SIZE if a else pattern.SIZE[::-1]
        with Film(path) as made:
            stream = made.video(range(10), size, pixel=pixel, draw=draw, tags=tags)
            stream.codec_context.sample_aspect_ratio = oblong
            stream.set_display_matrix(_matrix(turn))
        return _TEN

    write.__doc__ = about
    return case(name)(write)


def _matrix(turn: Rotate) -> tuple[int, ...]:
    """The display matrix (ISO/IEC 14496-12, 6.2.2): 16.16 numbers, the last of 2.30."""
    a, b, c, d = (number << 16 for number in turn)
    return a, b, 0, c, d, 0, 0, 0, 1 << 30


TURNED = (
    _turned("quarter-turn.mp4", "To be shown turned to the right, as phones write.", RIGHT),
    _turned("half-turn.mp4", "To be shown upside down.", (-1, 0, 0, -1)),
    _turned("three-quarter-turn.mp4", "To be shown turned to the left.", LEFT),
    _turned("mirrored.mp4", "To be shown mirrored, which no angle tells.", (-1, 0, 0, 1)),
    _turned("flipped.mp4", "To be shown with its top at the bottom.", (1, 0, 0, -1)),
    _turned("transposed.mp4", "To be shown with its columns as rows.", (0, 1, 1, 0)),
    _turned("transversed.mp4", "To be shown with its columns as rows, backwards.", (0, -1, -1, 0)),
    _turned("turned-422.mp4", "Turned to the right, with colour for two samples in a row.", RIGHT, "yuv422p"),
    _turned("turned-top-left.mp4", "Turned to the left, chroma on luma samples.", LEFT, "yuv420p10le", "topleft"),
    _turned("turned-oblong.mp4", "Turned to the right, samples 64:45 before that.", RIGHT, oblong=Fraction(64, 45)),
)

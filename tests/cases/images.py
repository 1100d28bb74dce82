"""Images: single ones, numbered ones, animations, and frames without a container."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.cases import pattern
from tests.cases.bitstreams import with_orientation
from tests.cases.case import Case, Expected, case, evenly
from tests.cases.film import film

_TWELVE = tuple(range(1, 13))
_TEN = Fraction(10)


@case("frames/%03d.png")
def numbered(path: Path) -> Expected:
    """Twelve numbered images, from 1 on."""
    _write(path, _TWELVE)
    return Expected(_TWELVE, evenly(12))


@case("gap/%03d.png")
def numbered_with_a_gap(path: Path) -> Expected:
    """Numbered images from 1 to 12, and 7 is missing: 6 is shown for the time of both."""
    there = tuple(number for number in _TWELVE if number != 7)
    _write(path, there)
    return Expected(there, tuple(Fraction(number - 1, 25) for number in there), messages=(r"\b0*7\b",))


@case("deep/%03d.png", target="out/%03d.png")
def deep(path: Path) -> Expected:
    """Numbered images of 16 bits, upscaled into such images."""
    _write(path, _TWELVE, deep=True)
    return Expected(_TWELVE, (None,) * 12, bits=16)


@case("mixed/%03d.png")
def mixed_sizes(path: Path) -> Expected:
    """Numbered images that are larger from the fourth on."""
    _write(path, _TWELVE[:3])
    _write(path, _TWELVE[3:6], size=(192, 128))
    return Expected(_TWELVE[:6], evenly(6), messages=("192x128",))


@case("moving.gif")
def gif(path: Path) -> Expected:
    """An animation of 256 fixed colours, with times in hundredths of a second."""
    film(path, range(20), rate=_TEN, codec="gif", pixel="rgb8")
    return Expected(tuple(range(20)), evenly(20, _TEN))


@case("moving.png")
def apng(path: Path) -> Expected:
    """An animation with an image's suffix (APNG)."""
    film(path, range(12), "apng", rate=_TEN, codec="apng", pixel="rgb24")
    return Expected(tuple(range(12)), evenly(12, _TEN))


@case("film.y4m")
def y4m(path: Path) -> Expected:
    """Uncompressed samples with a line of text before each frame, as used in pipes."""
    film(path, codec="rawvideo")
    return Expected(tuple(range(30)), evenly(30))


def _single(name: str, about: str) -> Case:
    def write(path: Path) -> Expected:
        _save(path, 7)
        return Expected((7,), (None,))

    write.__doc__ = about
    return case(name, target="out.png")(write)


png = _single("photo.png", "One image, upscaled into one image.")
jpeg = _single("photo.jpg", "One image of full-range YUV, as cameras make them.")
webp = _single("photo.webp", "One WebP image.")


@case("rotated.jpg", target="out.png")
def rotated(path: Path) -> Expected:
    """A photograph with an Exif rotation to the right, as cameras held upright write."""
    upright = pattern.draw(7, pattern.SIZE)
    path.write_bytes(with_orientation(_jpeg(np.rot90(upright)), 6))
    return Expected((7,), (None,))


def _jpeg(drawn: pattern.Image) -> bytes:
    done, coded = cv2.imencode(".jpg", drawn[..., ::-1])
    assert done
    return coded.tobytes()


def _write(path: Path, numbers: Iterable[int], size: tuple[int, int] = pattern.SIZE, deep: bool = False) -> None:
    for number in numbers:
        _save(path.with_name(path.name % number), number, size, deep)


def _save(path: Path, number: int, size: tuple[int, int] = pattern.SIZE, deep: bool = False) -> None:
    drawn = pattern.draw(number, size)[..., ::-1]
    assert cv2.imwrite(str(path), drawn.astype(np.uint16) * 257 if deep else drawn)

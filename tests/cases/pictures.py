"""Pictures: single ones, numbered ones, moving ones, and frames without a container."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.cases import pattern
from tests.cases.bitstreams import exif_turned
from tests.cases.case import Case, Expected, case, evenly
from tests.cases.film import film

_TWELVE = tuple(range(1, 13))
_TEN = Fraction(10)


@case("frames/%03d.png")
def numbered(path: Path) -> Expected:
    """Twelve numbered pictures, the first of them 1."""
    _write(path, _TWELVE)
    return Expected(_TWELVE, evenly(12))


@case("gap/%03d.png")
def numbered_with_a_gap(path: Path) -> Expected:
    """Numbered pictures from 1 to 12, and 7 is missing: 6 is shown for as long as both."""
    there = tuple(number for number in _TWELVE if number != 7)
    _write(path, there)
    return Expected(there, tuple(Fraction(number - 1, 25) for number in there), says=(r"\b0*7\b",))


@case("deep/%03d.png", target="out/%03d.png")
def deep(path: Path) -> Expected:
    """Numbered pictures of 16 bits, which become such pictures again."""
    _write(path, _TWELVE, deep=True)
    return Expected(_TWELVE, (None,) * 12, bits=16)


@case("mixed/%03d.png")
def mixed_sizes(path: Path) -> Expected:
    """Numbered pictures that are larger from the fourth on."""
    _write(path, _TWELVE[:3])
    _write(path, _TWELVE[3:6], size=(192, 128))
    return Expected(_TWELVE[:6], evenly(6), says=("192x128",))


@case("moving.gif")
def gif(path: Path) -> Expected:
    """An animation of 256 fixed colours that counts in hundredths of a second."""
    film(path, range(20), rate=_TEN, codec="gif", pixel="rgb8")
    return Expected(tuple(range(20)), evenly(20, _TEN))


@case("moving.png")
def apng(path: Path) -> Expected:
    """An animation that is called a picture (APNG)."""
    film(path, range(12), "apng", rate=_TEN, codec="apng", pixel="rgb24")
    return Expected(tuple(range(12)), evenly(12, _TEN))


@case("film.y4m")
def y4m(path: Path) -> Expected:
    """Bare samples with a line of text before each frame, as they run through pipes."""
    film(path, codec="rawvideo")
    return Expected(tuple(range(30)), evenly(30))


def _single(name: str, about: str) -> Case:
    def write(path: Path) -> Expected:
        _save(path, 7)
        return Expected((7,), (None,))

    write.__doc__ = about
    return case(name, target="out.png")(write)


png = _single("photo.png", "One picture, which becomes one picture.")
jpeg = _single("photo.jpg", "One picture of full-range YUV, as cameras make them.")
webp = _single("photo.webp", "One picture as the web has them.")


@case("turned.jpg", target="out.png")
def turned(path: Path) -> Expected:
    """A photograph that says it is to be turned to the right, as cameras held upright write (Exif)."""
    upright = pattern.picture(7, pattern.SIZE)
    path.write_bytes(exif_turned(_jpeg(np.rot90(upright)), 6))
    return Expected((7,), (None,))


def _jpeg(drawn: pattern.Picture) -> bytes:
    done, coded = cv2.imencode(".jpg", drawn[..., ::-1])
    assert done
    return coded.tobytes()


def _write(path: Path, numbers: Iterable[int], size: tuple[int, int] = pattern.SIZE, deep: bool = False) -> None:
    for number in numbers:
        _save(path.with_name(path.name % number), number, size, deep)


def _save(path: Path, number: int, size: tuple[int, int] = pattern.SIZE, deep: bool = False) -> None:
    drawn = pattern.picture(number, size)[..., ::-1]
    assert cv2.imwrite(str(path), drawn.astype(np.uint16) * 257 if deep else drawn)

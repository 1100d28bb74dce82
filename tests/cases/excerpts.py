"""Excerpts: exact to the frame, with all other streams cut to match."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.cases.case import Expected, case, evenly, refused
from tests.cases.film import Film

_OPEN_GOP: dict[str, Any] = {"x264-params": "open-gop=1"}
_KINDS = ("video", "audio")


def _film(path: Path, first: int, count: int) -> Expected:
    """Writes a film of 50 frames in open GOPs; expects `count` of them from number `first` on."""
    with Film(path) as out:
        out.video(range(50), g="10", bf="3", **_OPEN_GOP)
        out.audio(2.0)
    begins, ends = Fraction(first, 25), Fraction(first + count, 25)
    every = [Fraction(1, 10) + Fraction(n, 5) for n in range(10)]
    clicks = tuple(time - begins for time in every if begins <= time < ends)
    return Expected(tuple(range(first, first + count)), evenly(count), _KINDS, clicks=clicks)


@case("from-the-middle.mkv", "--start", "0.48")
def start_in_mkv(path: Path) -> Expected:
    """From a B-frame in the middle of an open GOP to the end."""
    return _film(path, 12, 38)


@case("from-the-middle.mp4", "--start", "0.48", "--end", "1.4")
def middle_of_mp4(path: Path) -> Expected:
    """From 0.48 s to 1.4 s: frames 12 to 34."""
    return _film(path, 12, 23)


@case("from-the-middle.ts", "--start", "0.48", "--end", "1.4")
def middle_of_ts(path: Path) -> Expected:
    """The same of a transport stream, which has no index to go by."""
    return _film(path, 12, 23)


@case("frame-count.mkv", "--start", "1", "--frames", "7")
def so_many(path: Path) -> Expected:
    """Seven frames from 1 s on: the audio ends where the next frame would begin."""
    return _film(path, 25, 7)


@case("the-beginning.mp4", "--frames", "1")
def one_frame(path: Path) -> Expected:
    """The first frame only."""
    return _film(path, 0, 1)


@case("beyond-the-end.mkv", "--start", "5")
def beyond(path: Path) -> Expected:
    """From a time after the end of the film."""
    _film(path, 0, 50)
    return refused("has no frame in the requested part")

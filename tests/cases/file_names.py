"""File names: such as shells, FFmpeg or uprez itself could misread. The output's name is chosen by uprez."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2

from tests.cases import pattern
from tests.cases.case import Case, Expected, case, evenly
from tests.cases.film import film

BESIDE = "beside"  # the target: where uprez puts it by default


def _named(name: str, about: str) -> Case:
    """A film of ten frames with this name."""

    def write(path: Path) -> Expected:
        film(path, range(10), "mp4")
        return Expected(tuple(range(10)), evenly(10))

    write.__doc__ = about
    return case(name, target=BESIDE)(write)


spaces = _named("two words.mp4", "A space.")
unicode = _named("ünïcödé 视频.mp4", "Letters beyond ASCII.")
colon = _named("a:b.mp4", "A colon, which FFmpeg takes for the end of a protocol.")
protocol = _named("http:x.mp4", "The name of a real protocol.")
number = _named("film%03d.mp4", "A pattern of numbered files that names one file.")
brackets = _named("film [1080p].mp4", "Brackets, which are a pattern to shells.")
dash = _named("-dash.mp4", "A leading dash, as in options.")
newline = _named("two\nlines.mp4", "A line break.")
quote = _named("it's.mp4", "A quotation mark.")
markup = _named("[bold]film[/bold].mp4", "Markup as of the terminal library.")
bare = _named("film", "No suffix.")
wrong = _named("film.avi", "The suffix of another container.")
upper = _named("FILM.MP4", "Capital letters.")


@case("picture%02d.png", target=BESIDE)
def picture(path: Path) -> Expected:
    """A pattern of numbered images that names one image."""
    assert cv2.imwrite(str(path), pattern.draw(7)[..., ::-1])
    return Expected((7,), (Fraction(0),))

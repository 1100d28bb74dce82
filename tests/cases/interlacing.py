"""Interlacing: frames of two fields, marked as such or not, and telecined film."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import av
from av.filter import Graph

from tests import interlaced
from tests.cases import pattern, reference, samples
from tests.cases.case import Expected, case, evenly
from tests.cases.film import film

SIZE = (96, 336)
COUNT = 30
_PULLED_DOWN = ((0, 0), (1, 1), (1, 2), (2, 3), (3, 3))  # which of four pictures of film are in five frames
_CELLS = 10  # of the barcode: nine bits, and the one that makes their count even
_INTERLACED: dict[str, Any] = {"x264-params": "interlaced=1"}


def _numbers(count: int) -> list[int]:
    """Numbers that change two cells of the barcode each, which then stay for three fields.

    To a deinterlacer, a cell that changes with every field is static detail.
    """
    found, turned = [0], [(0, 0), (0, 0)]
    while len(found) < count:
        resting = set(range(_CELLS)) - {*turned[-1], *turned[-2]}
        for pair in combinations(sorted(resting), 2):  # the last cell follows from the others
            number = (found[-1] ^ 1 << pair[0] ^ 1 << pair[1]) % pattern.NUMBERS
            if number not in found:
                break
        found.append(number)
        turned.append(pair)
    return found


NUMBERS = _numbers(2 * COUNT)
"""The number of the barcode at each moment, counted in fields."""


def _top(index: int) -> tuple[int, int]:
    """The moments of the even and the odd rows of a frame whose even rows are the earlier ones."""
    return 2 * index, 2 * index + 1


def _bottom(index: int) -> tuple[int, int]:
    return 2 * index + 1, 2 * index


def _film(index: int) -> tuple[int, int]:
    return 2 * index, 2 * index


def _telecine(index: int) -> tuple[int, int]:
    even, odd = _PULLED_DOWN[index % 5]
    return 2 * (4 * (index // 5) + even), 2 * (4 * (index // 5) + odd)


@case("top-first.mp4")
def top_first(path: Path) -> Expected:
    """Interlaced, top field first."""
    _write(path, _top, "tff", **_INTERLACED)
    return Expected(_each(_top), evenly(COUNT), messages=("is interlaced, top field first: deinterlaced",))


@case("bottom-first.mpg")
def bottom_first(path: Path) -> Expected:
    """Interlaced, bottom field first, in MPEG-2."""
    _write(path, _bottom, "bff", codec="mpeg2video", flags="+ildct+ilme")
    numbers = tuple(NUMBERS[: 2 * COUNT : 2])
    return Expected(numbers, evenly(COUNT), messages=("is interlaced, bottom field first: deinterlaced",))


@case("fields.mkv", "--deinterlace", "field")
def each_field(path: Path) -> Expected:
    """Interlaced, and a frame of each field is requested."""
    _write(path, _top, "tff", **_INTERLACED)
    numbers = tuple(NUMBERS)
    return Expected(numbers, evenly(2 * COUNT, 50), messages=("one frame per field, 50 frames/s",))


@case("unmarked.mkv")
def unmarked(path: Path) -> Expected:
    """Interlaced, but encoded and marked as progressive."""
    _write(path, _top, "prog")
    return Expected(_each(_top), evenly(COUNT), messages=("top field first, though not marked as such: deinterlaced",))


@case("film-in-fields.mkv")
def film_in_fields(path: Path) -> Expected:
    """Film that is encoded and marked as interlaced, as many broadcasts are."""
    _write(path, _film, "tff", **_INTERLACED)
    return Expected(_each(_film), evenly(COUNT), messages=("the examined frames show no combing artifacts",))


@case("telecine.mkv")
def telecine(path: Path) -> Expected:
    """Film that 3:2 pulldown has spread over 30 frames a second: two frames of five show combing artifacts."""
    rate = Fraction(30_000, 1001)
    _write(path, _telecine, "tff", rate=rate, **_INTERLACED)
    return Expected(_each(_telecine), evenly(COUNT, rate), messages=(r"is film, telecined \(3:2\)",))


def _each(moments: Callable[[int], tuple[int, int]]) -> tuple[int, ...]:
    """Returns the numbers of the even rows of all frames."""
    return tuple(NUMBERS[moments(index)[0]] for index in range(COUNT))


def _write(
    path: Path, moments: Callable[[int], tuple[int, int]], mark: str, rate: Fraction | int = 25, **options: str
) -> None:
    """Writes a film whose frames have even and odd rows of two `moments`. mark: see libavfilter's setfield."""

    def draw(index: int) -> av.VideoFrame:
        even, odd = (_planes(moment) for moment in moments(index))
        for plane, other in zip(even, odd, strict=True):
            plane[1::2] = other[1::2]
        return _marked(samples.make_frame("yuv420p", even), mark)

    film(path, range(COUNT), size=SIZE, rate=rate, draw=draw, **options)


def _planes(moment: int) -> list[reference.Samples]:
    """A numbered image with a texture that moves sideways instead of the square, in YUV."""
    rgb = pattern.draw(NUMBERS[moment], SIZE)
    middle = slice(SIZE[0] // 2, SIZE[0] - SIZE[0] // 4)
    rgb[:, middle] = interlaced.luma_at(moment, (SIZE[0] // 4, SIZE[1]))[..., None]
    return reference.encode_rgb(rgb.transpose(2, 0, 1) / 255, samples.layout("yuv420p"), pattern.BT709)


def _marked(frame: av.VideoFrame, mark: str) -> av.VideoFrame:
    graph: Any = Graph()  # PyAV's stubs take a stream as template, its code a frame as well
    entry = graph.add_buffer(template=frame, time_base=Fraction(1, 25))
    graph.link_nodes(entry, graph.add("setfield", mark), graph.add("buffersink")).configure()
    graph.push(frame)
    marked = graph.pull()
    assert isinstance(marked, av.VideoFrame)
    return marked

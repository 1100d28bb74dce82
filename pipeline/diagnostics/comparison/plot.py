"""Small line plots as SVG, with colours by the classes c0 to c7 of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 520, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 510, 10, 165
_MAX_POINTS = 800  # of a line: more are averaged
COLOURS = 8


@dataclass(frozen=True)
class Line:
    """A line of a plot.

    Attributes:
        name: Of what it shows.
        colour: Number of its colour, 0 to 7.
        points: Time in seconds and value; a value that is None or infinite leaves a gap.
    """

    name: str
    colour: int
    points: Sequence[tuple[float, float | None]]


def plot(title: str, lines: Sequence[Line]) -> str:
    """An SVG element, with a dashed line (class `now`) that a script moves to the time that is shown.

    Args:
        title: Of the quantity and its unit, for screen readers.
        lines: With increasing times.

    Returns:
        "" if there is no finite value.
    """
    known = [(time, value) for line in lines for time, value in line.points if _is_finite(value)]
    if not known:
        return ""
    start, end = min(time for time, _ in known), max(time for time, _ in known)
    low, high = _range([value for _, value in known if value is not None])

    def place(time: float, value: float) -> tuple[float, float]:
        across = (time - start) / (end - start) if end > start else 0.5
        return _LEFT + across * (_RIGHT - _LEFT), _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts += _axes(low, high, start, end)
    for line in lines:
        for run in _runs(_averaged(line.points)):
            corners = [place(time, value) for time, value in run]
            name = f"<title>{escape(line.name)}</title>"
            if len(corners) == 1:
                ((x, y),) = corners
                parts.append(f'<circle class="c{line.colour}" cx="{x:.1f}" cy="{y:.1f}" r="2.5">{name}</circle>')
            else:
                text = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
                parts.append(f'<polyline class="c{line.colour}" points="{text}">{name}</polyline>')
    data = f'data-from="{_LEFT}" data-to="{_RIGHT}" data-start="{start}" data-end="{end}"'
    parts.append(f'<line class="now" y1="{_TOP}" y2="{_BOTTOM}" {data}/></svg>')
    return "".join(parts)


def _axes(low: float, high: float, start: float, end: float) -> list[str]:
    digits = max(0, 1 - math.floor(math.log10(high - low)))
    parts = []
    for share in (0, 0.5, 1):
        y, value = _BOTTOM - share * (_BOTTOM - _TOP), low + share * (high - low)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>')
    for anchor, x, time in (("start", _LEFT, start), ("end", _RIGHT, end)):
        parts.append(f'<text x="{x}" y="{_BOTTOM + 17}" text-anchor="{anchor}">{time:.2f} s</text>')
    return parts


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest value of the axis, a little beyond those of the lines, but not below 0 for them."""
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
    return (max(0.0, low - room) if low >= 0 else low - room), high + room


def _averaged(points: Sequence[tuple[float, float | None]]) -> list[tuple[float, float | None]]:
    """No more than _MAX_POINTS points: means of consecutive ones."""
    size = math.ceil(len(points) / _MAX_POINTS)
    if size <= 1:
        return list(points)
    means: list[tuple[float, float | None]] = []
    for first in range(0, len(points), size):
        group = points[first : first + size]
        values = [value for _, value in group if value is not None and math.isfinite(value)]
        means.append((group[0][0], sum(values) / len(values) if values else None))
    return means


def _runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """The points between two gaps each."""
    runs: list[list[tuple[float, float]]] = [[]]
    for time, value in points:
        if value is not None and math.isfinite(value):
            runs[-1].append((time, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)

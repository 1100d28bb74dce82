"""Draws a trace as an SVG: which thread and which GPU stream works on which frame, and when.

    uprez bench --model srvgg-24x8 --size 960x540 --trace trace.json
    python benchmarks/draw.py trace.json overlap.svg --length 12

One row for each thread and each of the GPU's streams, milliseconds from left to right. A frame has one colour in all
rows, and its number where there is room; spans of threads, which have no frame, are gray. One frame is outlined from
its copy in to its copy out. The window is in the middle of the GPU's work; `--start` moves it. "upscale" is the thread
that collects: most of its gray spans are waiting for the GPU.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

THREADS = "threads"
_ORDER = {THREADS: "decode submit upscale discard encode".split()}
_STREAMS = ["copy in", "compute 0", "compute 1", "compute 2", "compute 3", "copy out"]
_COPIES = ("copy in", "copy out")
_KERNELS = ("to_rgb", "from_rgb")

# More than frames that are usually in flight; neighbours in time are 150 degrees apart in hue (OKLCH).
_HUES = (
    "#f7857d",
    "#5de2c3",
    "#d78adb",
    "#c5d16e",
    "#7fa8ff",
    "#ffb175",
    "#00c3d5",
    "#ffa4cb",
    "#6ec272",
    "#cdb7ff",
    "#d3a329",
    "#6cd4ff",
)
_INK, _SOFT, _LINE, _PAPER, _BAND, _GRAY = "#1f2933", "#66727f", "#dfe4ea", "#ffffff", "#f6f8fa", "#c3ccd6"
_FONT = "Inter, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

_WIDTH, _LEFT, _RIGHT, _TOP = 1200, 118, 24, 54
_ROW, _BAR, _GROUP, _FOOT = 34, 24, 30, 56
_MIN_WIDTH = 0.35  # pixels, of bars and of the gaps between them
_NARROW, _SEAM = 2.5, 1.2  # pixels: narrower bars are joined; gap between gray bars
_DIGIT = 7.4  # pixels that a digit takes, with air around the number
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_TICKS = 14


@dataclass(frozen=True)
class Span:
    """A bar. Times are in ms; `frame` is the number of its frame, None if the trace has none."""

    group: str
    track: str
    name: str
    begin: float
    end: float
    frame: int | None


@dataclass(frozen=True)
class Window:
    """The part of the trace that is drawn, in ms."""

    begin: float
    end: float

    def x(self, time: float) -> float:
        """The position of a moment, in pixels."""
        inside = min(max(time, self.begin), self.end)
        return _LEFT + (inside - self.begin) / (self.end - self.begin) * (_WIDTH - _LEFT - _RIGHT)

    def shows(self, span: Span) -> bool:
        return span.end > self.begin and span.begin < self.end


Row = tuple[str, str]  # group and track
Places = dict[Row, float]  # the middle of each row, in pixels from the top


def main() -> None:
    args = _arguments()
    try:
        spans = read(json.loads(args.trace.read_text(encoding="utf-8")))
        svg = draw(spans, window(spans, args.start, args.length), args.title)
        args.output.write_text(svg, encoding="utf-8")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fail(f"{args.trace}: not a trace of `uprez bench --trace` ({error})")


def fail(reason: str) -> None:
    print(f"draw.py: {reason}", file=sys.stderr)
    sys.exit(2)


def read(trace: dict[str, Any]) -> list[Span]:
    """The spans of a trace in order of their beginning; frames are numbered consecutively, whatever their time base."""
    events = trace["traceEvents"]
    named = [event for event in events if event["ph"] == "M"]
    groups = {event["pid"]: event["args"]["name"] for event in named if event["name"] == "process_name"}
    tracks = {(e["pid"], e["tid"]): e["args"]["name"] for e in named if e["name"] == "thread_name"}
    spans = [
        Span(
            group=groups[event["pid"]],
            track=tracks[event["pid"], event["tid"]],
            name=event["name"],
            begin=event["ts"] / 1000,
            end=(event["ts"] + event["dur"]) / 1000,
            frame=event.get("args", {}).get("frame"),
        )
        for event in events
        if event["ph"] == "X"
    ]
    if not spans:
        raise ValueError("it contains no spans")
    return sorted(_numbered(spans), key=lambda span: span.begin)


def _numbered(spans: list[Span]) -> Iterator[Span]:
    """Number frames by their times in the clip: 0, 512, 1024 become 0, 1, 2."""
    times = sorted({span.frame for span in spans if span.frame is not None})
    step = min((b - a for a, b in itertools.pairwise(times)), default=1)
    for span in spans:
        yield span if span.frame is None else replace(span, frame=span.frame // step)


def window(spans: list[Span], start: float | None, length: float) -> Window:
    """`length` ms from `start`; default: in the middle of the GPU's work, or of all spans if there is none."""
    if start is None:
        middle = [span for span in spans if span.frame is not None] or spans
        begin, end = min(span.begin for span in middle), max(span.end for span in middle)
        start = max(begin, (begin + end - length) / 2)
    return Window(start, start + length)


def draw(spans: list[Span], shown: Window, title: str) -> str:
    """The SVG."""
    spans = [span for span in spans if shown.shows(span)]
    if not spans:
        raise ValueError(f"nothing happens from {shown.begin:g} to {shown.end:g} ms")
    places = _places(spans)
    foot = max(places.values()) + _ROW / 2 + 6
    height = foot + _FOOT
    followed = _followed(spans, shown)
    way = [span for span in spans if span.frame is not None and span.frame == followed]
    parts = [
        *_head(height, title),
        *_rows(places),
        *_axis(shown, foot),
        *_path(way, shown, places),
        *(bar for row in places for bar in _bars([s for s in spans if (s.group, s.track) == row], shown, places[row])),
        *_outlines(way, shown, places),
        *_legend(height - 14, followed),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _places(spans: list[Span]) -> Places:
    """Threads first, then each GPU; within a group in the order in which a frame passes."""
    rows = dict.fromkeys((span.group, span.track) for span in spans)
    groups = sorted({group for group, _ in rows}, key=lambda group: (group != THREADS, group))
    places: Places = {}
    y = float(_TOP)
    for group in groups:
        order = _ORDER.get(group, _STREAMS)
        tracks = [track for other, track in rows if other == group]
        y += _GROUP
        for track in sorted(tracks, key=lambda track: (order.index(track) if track in order else len(order), track)):
            places[group, track] = y + _ROW / 2
            y += _ROW
    return places


def _head(height: float, title: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" '
        f'height="{height:g}" font-family="{_FONT}" role="img">'
    )
    yield f"<title>{escape(title)}</title>"
    yield (
        "<style>"
        f".t{{font-size:13px;fill:{_INK};text-anchor:end;dominant-baseline:central}}"
        f".g{{font-size:11px;fill:{_SOFT};font-weight:600;letter-spacing:.08em}}"
        f".a{{font-size:11px;fill:{_SOFT};text-anchor:middle}}"
        f".n{{font-size:11px;font-weight:600;fill:{_INK};text-anchor:middle;dominant-baseline:central}}"
        f".b{{font-size:10px;fill:{_SOFT};dominant-baseline:central}}"
        f".l{{font-size:12px;fill:{_SOFT}}}"
        "</style>"
    )
    yield f'<rect width="100%" height="100%" rx="10" fill="{_PAPER}"/>'
    yield f'<text x="24" y="38" font-size="19" font-weight="600" fill="{_INK}">{escape(title)}</text>'


def _rows(places: Places) -> Iterator[str]:
    """A band behind each row, its name, and that of its group above the first."""
    named: set[str] = set()
    for (group, track), y in places.items():
        if group not in named:
            named.add(group)
            yield f'<text class="g" x="24" y="{y - _ROW / 2 - 9:g}">{escape(group.upper())}</text>'
        width = _WIDTH - _LEFT - _RIGHT
        yield f'<rect x="{_LEFT}" y="{y - _BAR / 2 - 2:g}" width="{width}" height="{_BAR + 4}" fill="{_BAND}"/>'
        yield f'<text class="t" x="{_LEFT - 14}" y="{y:g}">{escape(track)}</text>'


def _axis(shown: Window, foot: float) -> Iterator[str]:
    """Milliseconds from the beginning of the window."""
    length = shown.end - shown.begin
    step = next((tick for tick in _TICKS if length / tick <= _MOST_TICKS), _TICKS[-1])
    for count in range(int(length / step + 1e-6) + 1):
        x = shown.x(shown.begin + count * step)
        yield f'<path d="M{x:.1f} {_TOP + _GROUP - 6}V{foot:g}" stroke="{_LINE}"/>'
        unit = " ms" if count == 0 else ""
        yield f'<text class="a" x="{x:.1f}" y="{foot + 15:g}">{count * step:g}{unit}</text>'


def _bars(spans: list[Span], shown: Window, y: float) -> Iterator[str]:
    """The bars of one row."""
    joined = list(_joined(spans, shown))
    for span, after in itertools.zip_longest(joined, joined[1:]):
        left, right = shown.x(span.begin), shown.x(span.end)
        width = max(_MIN_WIDTH, right - left - (_SEAM if span.frame is None and right - left > _NARROW else 0))
        tall = _BAR if span.name not in _KERNELS else _BAR - 8
        tip = f"{span.name}{'' if span.frame is None else f', frame {span.frame}'}: {span.end - span.begin:.3f} ms"
        yield (
            f'<rect x="{left:.1f}" y="{y - tall / 2:g}" width="{width:.1f}" height="{tall}" '
            f'rx="{min(3, width / 4):.1f}" fill="{_fill(span)}"><title>{escape(tip)}</title></rect>'
        )
        yield from _number(span, left, right, shown.x(after.begin if after else shown.end), y)


def _number(span: Span, left: float, right: float, next_left: float, y: float) -> Iterator[str]:
    """The number of a frame: in its bar, after it if that is too narrow, or omitted."""
    room = _DIGIT * len(str(span.frame)) + 2
    if span.frame is None or span.name in _KERNELS:
        return
    if right - left > room:
        yield f'<text class="n" x="{(left + right) / 2:.1f}" y="{y:g}">{span.frame}</text>'
    elif next_left - right > room + 4:
        yield f'<text class="b" x="{right + 4:.1f}" y="{y:g}">{span.frame}</text>'


def _joined(spans: list[Span], shown: Window) -> Iterator[Span]:
    """Join spans that are too narrow to be distinguished from their neighbours: a thread has hundreds."""
    last: Span | None = None
    for span in spans:
        if last and last.frame is None and span.frame is None and _blurred(last, span, shown):
            last = replace(last, end=max(last.end, span.end))
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _blurred(one: Span, other: Span, shown: Window) -> bool:
    """Whether two neighbours touch, and one of them is hardly visible."""
    gap = shown.x(other.begin) - shown.x(one.end)
    width = min(shown.x(span.end) - shown.x(span.begin) for span in (one, other))
    return gap < _MIN_WIDTH and width < _NARROW


def _fill(span: Span) -> str:
    if span.frame is None:
        return _GRAY
    return _HUES[span.frame % len(_HUES)]


def _followed(spans: list[Span], shown: Window) -> int | None:
    """The frame nearest to the middle whose copies in and out are both visible."""
    middle = (shown.begin + shown.end) / 2
    complete: dict[int, list[Span]] = {}
    for span in spans:
        if span.frame is not None and span.begin >= shown.begin and span.end <= shown.end:
            complete.setdefault(span.frame, []).append(span)
    ways = {frame: way for frame, way in complete.items() if {span.track for span in way} >= set(_COPIES)}
    return min(ways, key=lambda frame: abs(_centre(ways[frame]) - middle), default=None)


def _centre(way: list[Span]) -> float:
    return (min(span.begin for span in way) + max(span.end for span in way)) / 2


def _outlines(way: list[Span], shown: Window, places: Places) -> Iterator[str]:
    """Outlines around the spans of one frame, one per row."""
    for left, right, y in _stops(way, shown, places):
        yield (
            f'<rect x="{left - 1:.1f}" y="{y - _BAR / 2 - 1:g}" width="{max(2, right - left + 2):.1f}" '
            f'height="{_BAR + 2}" rx="4" fill="none" stroke="{_INK}" stroke-width="1.6"/>'
        )


def _path(way: list[Span], shown: Window, places: Places) -> Iterator[str]:
    """Lines from each row that a frame visits to the next."""
    for (_, right, above), (left, _, below) in itertools.pairwise(_stops(way, shown, places)):
        start, end = above + _BAR / 2 + 1, below - _BAR / 2 - 1
        bend = (end - start) / 2
        yield (
            f'<path d="M{right:.1f} {start:g}C{right:.1f} {start + bend:g} {left:.1f} {end - bend:g} '
            f'{left:.1f} {end:g}" fill="none" stroke="{_INK}" stroke-width="1.6"/>'
        )


def _stops(way: list[Span], shown: Window, places: Places) -> Iterator[tuple[float, float, float]]:
    """The extents of a frame's spans per row: left, right and the middle of the row, in pixels, in order of time."""
    for row in dict.fromkeys((span.group, span.track) for span in way):
        own = [span for span in way if (span.group, span.track) == row]
        yield shown.x(min(span.begin for span in own)), shown.x(max(span.end for span in own)), places[row]


def _legend(y: float, followed: int | None) -> Iterator[str]:
    legend = "one colour per frame; gray: a thread at work, or waiting for the GPU"
    if followed is not None:
        legend += f"; outlined: frame {followed}"
    yield f'<text class="l" x="{_LEFT}" y="{y:g}">{escape(legend)}</text>'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=Path, help="written by `uprez bench --trace`")
    parser.add_argument("output", type=Path, help="the SVG to write")
    parser.add_argument(
        "--start", type=float, help="ms from the start of the trace; default: in the middle of the GPU's work"
    )
    parser.add_argument("--length", type=float, default=12.0, help="ms that are drawn")
    parser.add_argument("--title", default="Copies and compute overlap", help="of the drawing")
    args = parser.parse_args()

    if args.length <= 0:
        parser.error(f"--length {args.length:g}: more than 0 ms")
    return args


if __name__ == "__main__":
    main()

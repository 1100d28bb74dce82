"""Reports how much of a trace's time its tracks work at the same time: decoding, copies, and the network on each lane.

    uprez bench --model clear-x2 --size 960x540 --discard --trace trace.json
    python benchmarks/overlap.py trace.json --save overlap.json

The trace can be viewed on ui.perfetto.dev; benchmarks/draw.py draws it. "compute" is all lanes together: at least one
of them works; "decoders" are those that decode in parallel. A pair's share is the time in which both work, relative to
the time in which the less busy one does.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from common.script import out, parser, run, save
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import InputError

Intervals = list[tuple[float, float]]  # begin and end in microseconds, in order, without overlap

PAIRS = (
    ("copy in", "compute"),
    ("copy out", "compute"),
    ("copy in", "copy out"),
    ("compute 0", "compute 1"),
    ("decode", "compute"),
    ("decode", "copy in"),
    ("decoder 0", "decoder 1"),
    ("decoders", "compute"),
    ("decoders", "copy out"),
)
TOGETHER = {"compute": "compute ", "decoders": "decoder "}  # tracks that count as one, by the beginning of their names


class Track(BaseModel):
    """A thread or a stream."""

    name: str = Field(description="group and track")
    spans: int = Field(description="number of spans")
    busy: float = Field(description="milliseconds in which it works")
    share: float = Field(description="the same, relative to the length of the trace")


class Pair(BaseModel):
    """Two tracks that both worked."""

    first: str
    second: str
    both: float = Field(description="milliseconds in which both work")
    share: float = Field(description="the same, relative to the one that works less")


class Report(BaseModel):
    """One trace."""

    milliseconds: float = Field(description="length of the trace")
    names: dict[str, int] = Field(description="number of spans by name")
    tracks: list[Track]
    pairs: list[Pair]


def main() -> None:
    args = parser(__doc__)
    args.add_argument("trace", type=Path, help="a file of `uprez bench --trace`")
    chosen = args.parse_args()
    report = overlaps(events_of(chosen.trace))
    save(report, chosen.save)
    show(report)


def events_of(path: Path) -> list[dict[str, Any]]:
    """The events of a trace. Raises InputError for other files."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["traceEvents"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a trace of `uprez bench --trace`") from error


def overlaps(events: list[dict[str, Any]]) -> Report:
    """Busy times of all tracks, and of PAIRS at the same time. Raises InputError for a trace without spans."""
    spans = [event for event in events if event["ph"] == "X"]
    if not spans:
        raise InputError("the trace has no spans: measure for longer with --seconds")
    groups = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    times: dict[str, Intervals] = {}
    tracks = []
    length = max(span["ts"] + span["dur"] for span in spans) - min(span["ts"] for span in spans)
    for key, name in names.items():
        own = [(s["ts"], s["ts"] + s["dur"]) for s in spans if (s["pid"], s["tid"]) == key]
        times[name] = union([*times.get(name, []), *own])
        busy = total(union(own))
        track = Track(name=f"{groups[key[0]]}, {name}", spans=len(own), busy=busy / 1000, share=busy / length)
        tracks.append(track)
    for joined, beginning in TOGETHER.items():
        times[joined] = union([each for name, own in times.items() if name.startswith(beginning) for each in own])
    pairs = []
    for first, second in PAIRS:
        if times.get(first) and times.get(second):
            both = total(intersection(times[first], times[second]))
            least = min(total(times[first]), total(times[second]))
            pairs.append(Pair(first=first, second=second, both=both / 1000, share=both / least if least else 0.0))
    counts = dict(sorted(Counter(span["name"] for span in spans).items()))
    return Report(milliseconds=length / 1000, names=counts, tracks=tracks, pairs=pairs)


def union(intervals: Intervals) -> Intervals:
    """The intervals in order, those that overlap joined."""
    joined: Intervals = []
    for begin, end in sorted(intervals):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined


def intersection(first: Intervals, second: Intervals) -> Intervals:
    """What is in both."""
    found = [(max(a, c), min(b, d)) for a, b in first for c, d in second]
    return [(begin, end) for begin, end in found if begin < end]


def total(intervals: Intervals) -> float:
    """Length of all together."""
    return sum(end - begin for begin, end in intervals)


def show(report: Report) -> None:
    out.print(f"{report.milliseconds:.1f} ms; spans: {', '.join(f'{n} {name}' for name, n in report.names.items())}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("", "busy, ms", "of the trace", "spans"):
        table.add_column(column, justify="right" if column else "left")
    for track in report.tracks:
        table.add_row(track.name, f"{track.busy:.2f}", f"{track.share:.1%}", str(track.spans))
    for pair in report.pairs:
        table.add_row(f"{pair.first} beside {pair.second}", f"{pair.both:.2f}", f"{pair.share:.1%} of the less busy")
    out.print(table)


if __name__ == "__main__":
    run(main)

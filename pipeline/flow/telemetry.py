"""What is told while work goes on: progress, and which stage is the wall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Trace:
    """Who did what and when: spans, for Perfetto (ui.perfetto.dev) and chrome://tracing.

    spans: (group, track, name, begin, end, frame), times in seconds of time.perf_counter. Any thread may add.
    """

    spans: list[tuple[str, str, str, float, float, int | None]] = field(default_factory=list)

    def add(self, group: str, track: str, name: str, begin: float, end: float, frame: int | None = None) -> None:
        self.spans.append((group, track, name, begin, end, frame))

    def cut(self, seconds: float) -> None:
        """Keep what lies in `seconds` in the middle of it all."""
        spans = sorted(self.spans, key=lambda span: span[3])
        middle = spans[len(spans) // 2][3] if spans else 0.0
        self.spans = [span for span in spans if span[4] > middle and span[3] < middle + seconds]

    def as_json(self) -> dict[str, Any]:
        """The trace in the JSON format of Chrome's trace events: a process a group, a thread a track, microseconds."""
        start = min((span[3] for span in self.spans), default=0.0)
        groups = {name: number for number, name in enumerate(dict.fromkeys(span[0] for span in self.spans), 1)}
        tracks = {pair: number for number, pair in enumerate(dict.fromkeys(span[:2] for span in self.spans), 1)}
        events: list[dict[str, Any]] = [
            {"ph": "M", "name": "process_name", "pid": number, "args": {"name": name}}
            for name, number in groups.items()
        ]
        events += [
            {"ph": "M", "name": "thread_name", "pid": groups[group], "tid": number, "args": {"name": track}}
            for (group, track), number in tracks.items()
        ]
        for group, track, name, begin, end, frame in self.spans:
            event = {"ph": "X", "name": name, "pid": groups[group], "tid": tracks[group, track]}
            event |= {"ts": round((begin - start) * 1e6, 3), "dur": round((end - begin) * 1e6, 3)}
            events.append(event | ({} if frame is None else {"args": {"frame": frame}}))
        return {"displayTimeUnit": "ms", "traceEvents": events}


@dataclass
class Meter:
    """What a thread did with its time, in seconds. busy + starved + blocked is its life so far.

    starved: waiting for its left neighbour. blocked: waiting for its right one. cpu: of a processor, known at the end.
    Read by others while it grows. trace: where the spans of its work go too.
    """

    name: str
    busy: float = 0.0
    starved: float = 0.0
    blocked: float = 0.0
    cpu: float = 0.0
    trace: Trace | None = None

    def work(self, begin: float, end: float) -> None:
        """Note that it was at work."""
        self.busy += end - begin
        if self.trace is not None:
            self.trace.add("threads", self.name, self.name, begin, end)


@dataclass(frozen=True)
class Progress:
    """Where a job stands. total: frames expected, 0 if unknown. bottleneck: the stage that the others wait for."""

    done: int
    total: int
    seconds: float
    bottleneck: str

    @property
    def rate(self) -> float:
        """Frames in a second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds left at this rate; None if unknown."""
        return max(0, self.total - self.done) / self.rate if self.total and self.done else None


OnProgress = Callable[[Progress], None]


def bottleneck(meters: Sequence[Meter]) -> str:
    """The name of the stage that spent the largest share of its time at work."""

    def share(meter: Meter) -> float:
        return meter.busy / ((meter.busy + meter.starved + meter.blocked) or 1)

    return max(meters, key=share).name

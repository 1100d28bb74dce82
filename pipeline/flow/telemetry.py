"""Progress, time spent by each stage, and traces of a running pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Trace:
    """Spans of work, for Perfetto (ui.perfetto.dev) and chrome://tracing. Any thread may add some.

    Attributes:
        spans: (group, track, name, begin, end, frame). Times are in seconds of time.perf_counter; frame is the number
            of the frame worked on, or None.
    """

    spans: list[tuple[str, str, str, float, float, int | None]] = field(default_factory=list)

    def add(self, group: str, track: str, name: str, begin: float, end: float, frame: int | None = None) -> None:
        """Record a span; see `spans`."""
        self.spans.append((group, track, name, begin, end, frame))

    def cut(self, seconds: float) -> None:
        """Keep only the spans that overlap `seconds` in the middle of the trace."""
        spans = sorted(self.spans, key=lambda span: span[3])
        middle = spans[len(spans) // 2][3] if spans else 0.0
        self.spans = [span for span in spans if span[4] > middle and span[3] < middle + seconds]

    def as_json(self) -> dict[str, Any]:
        """The trace in Chrome's JSON trace event format: groups as processes, tracks as threads, times in us."""
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
    """The time of a stage's thread by activity, in seconds. Other threads may read it while the stage runs.

    Attributes:
        name: The stage.
        busy: Time at work.
        starved: Time spent waiting for the stage before.
        blocked: Time spent waiting for the stage behind.
        cpu: Processor time, known at the end.
        trace: Where spans of the work are recorded too.
    """

    name: str
    busy: float = 0.0
    starved: float = 0.0
    blocked: float = 0.0
    cpu: float = 0.0
    trace: Trace | None = None

    def work(self, begin: float, end: float) -> None:
        """Record that the stage worked from `begin` to `end`, in seconds of time.perf_counter."""
        self.busy += end - begin
        if self.trace is not None:
            self.trace.add("threads", self.name, self.name, begin, end)


@dataclass(frozen=True)
class Progress:
    """The progress of a job.

    Attributes:
        done: Frames finished.
        total: Frames expected; 0 if unknown.
        seconds: Time since the start.
        bottleneck: Name of the stage that the others wait for.
        resumed: Of the frames finished, those that an earlier run had finished.
    """

    done: int
    total: int
    seconds: float
    bottleneck: str
    resumed: int = 0

    @property
    def rate(self) -> float:
        """Average frames per second so far."""
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds left at this rate; None if unknown."""
        return max(0, self.total - self.done) / self.rate if self.total and self.rate else None


OnProgress = Callable[[Progress], None]


def bottleneck(meters: Sequence[Meter]) -> str:
    """The name of the stage that was busy for the largest share of its time."""

    def share(meter: Meter) -> float:
        return meter.busy / ((meter.busy + meter.starved + meter.blocked) or 1)

    return max(meters, key=share).name

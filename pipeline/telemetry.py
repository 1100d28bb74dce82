"""What is told while work goes on: progress, and which stage is the wall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass
class Meter:
    """What a thread did with its time, in seconds. busy + starved + blocked is its life so far.

    starved: waiting for its left neighbour. blocked: waiting for its right one. Read by others while it grows.
    """

    name: str
    busy: float = 0.0
    starved: float = 0.0
    blocked: float = 0.0


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

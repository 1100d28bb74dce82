"""The rate of a network on a GPU: frames/s of its lanes, without copies and conversions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cuda.core import Stream

_RUNS = 20  # least number of runs of a measurement
_MEASUREMENTS = 3  # the rate is their median
_WARM_UP_SECONDS = 0.05


class RunningLane(Protocol):
    """What is measured of a lane."""

    stream: Stream

    def run(self) -> None: ...


def frames_per_second(lanes: Sequence[RunningLane], seconds: float = 0.0) -> float:
    """Measure the rate of lanes that run in turn, queued without waiting, after a warm-up.

    Args:
        lanes: The lanes of one network.
        seconds: How long to measure; at least 60 runs.
    """
    warm_up = max(_WARM_UP_SECONDS, seconds / _MEASUREMENTS)
    started = time.perf_counter()
    while time.perf_counter() - started < warm_up:
        _run(lanes, len(lanes))
    runs = max(_RUNS, round(seconds / _MEASUREMENTS * _rate(lanes, _RUNS))) if seconds else _RUNS
    return statistics.median(_rate(lanes, runs) for _ in range(_MEASUREMENTS))


def _rate(lanes: Sequence[RunningLane], runs: int) -> float:
    started = time.perf_counter()
    _run(lanes, runs)
    return runs / (time.perf_counter() - started)


def _run(lanes: Sequence[RunningLane], runs: int) -> None:
    """Run the lanes in turn, `runs` times in all, and wait until they are idle."""
    for index in range(runs):
        lanes[index % len(lanes)].run()
    for lane in lanes:
        lane.stream.sync()

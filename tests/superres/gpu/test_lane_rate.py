"""The rate of lanes, on a simulated clock."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.superres.gpu.lane_rate import frames_per_second


class SimulatedGpu:
    """A GPU on which runs of all lanes follow one another; `now` is the time in seconds.

    Attributes:
        now: Time of the host.
        busy_until: Time at which the queued runs are done.
        runs: Number of runs of each lane.
    """

    def __init__(self) -> None:
        self.now = self.busy_until = 0.0
        self.runs: dict[SimulatedLane, int] = {}


class SimulatedLane:
    """A lane whose runs take `seconds` each."""

    def __init__(self, gpu: SimulatedGpu, seconds: float) -> None:
        self._gpu, self._seconds = gpu, seconds
        self.stream: Any = self
        gpu.runs[self] = 0

    def run(self) -> None:
        self._gpu.runs[self] += 1
        self._gpu.busy_until = max(self._gpu.busy_until, self._gpu.now) + self._seconds

    def sync(self) -> None:
        self._gpu.now = max(self._gpu.now, self._gpu.busy_until)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimulatedGpu:
    simulated = SimulatedGpu()
    monkeypatch.setattr("pipeline.superres.gpu.lane_rate.time.perf_counter", lambda: simulated.now)
    return simulated


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_rate_of_lanes_is_that_of_all_their_runs(gpu: SimulatedGpu, count: int) -> None:
    lanes = [SimulatedLane(gpu, 0.004) for _ in range(count)]
    assert frames_per_second(lanes) == pytest.approx(250)
    assert max(gpu.runs.values()) - min(gpu.runs.values()) <= 5  # in each part, one lane may run once more


def test_a_measurement_takes_as_long_as_requested_after_a_warm_up_of_a_third(gpu: SimulatedGpu) -> None:
    assert frames_per_second([SimulatedLane(gpu, 0.0001)], seconds=3.0) == pytest.approx(10_000)
    assert gpu.now == pytest.approx(4.0, rel=0.01)


def test_slow_networks_run_twenty_times_in_each_of_three_measurements(gpu: SimulatedGpu) -> None:
    lane = SimulatedLane(gpu, 1.0)
    assert frames_per_second([lane]) == pytest.approx(1)
    assert gpu.runs[lane] == 61

"""Counters of a live stream."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.counters import Delays, Rate, StreamCounters
from tests.clock import Clock


def test_a_rate_covers_the_last_seconds_only() -> None:
    clock = Clock()
    rate = Rate(clock)
    for _ in range(100):
        clock.now += 1 / 25
        rate.add()
    assert rate.value == pytest.approx(25, rel=0.02)
    clock.now += 60
    assert rate.value == 0
    assert rate.count == 100


def test_a_rate_falls_without_events() -> None:
    clock = Clock()
    rate = Rate(clock)
    for _ in range(26):
        clock.now += 1 / 25
        rate.add()
    before = rate.value
    clock.now += 2
    assert rate.value < before / 2


def test_delays_are_percentiles_over_the_last_minute() -> None:
    clock = Clock()
    delays = Delays(clock)
    assert delays.figures() is None
    for pts in range(100):
        delays.enter(pts, clock.now)
        clock.now += 0.010 if pts < 99 else 0.500
        assert delays.leave(pts)
    delay = delays.figures()
    assert delay is not None
    assert delay.p50 == pytest.approx(0.010)
    assert delay.frames == 100
    assert delay.p50 <= delay.p95 <= delay.p99 <= 0.500
    clock.now += 61
    assert delays.figures() is None


def test_a_repeated_frame_has_no_delay() -> None:
    delays = Delays()
    delays.enter(1, 0.0)
    assert delays.leave(1)
    assert not delays.leave(1)
    assert not delays.leave(2)


@given(st.lists(st.integers(0, 50), unique=True), st.sets(st.integers(0, 50)))
def test_each_frame_leaves_or_is_forgotten(entering: list[int], leaving: set[int]) -> None:
    delays = Delays()
    for pts in entering:
        delays.enter(pts, 0.0)
    left = sum(delays.leave(pts) for pts in leaving)
    assert left + delays.forget_in_flight() == len(entering)
    assert delays.forget_in_flight() == 0


def test_dropped_frames_of_all_threads_are_counted_by_reason() -> None:
    counters = StreamCounters()

    def drop_many() -> None:
        for _ in range(1000):
            counters.drop("too slow")

    threads = [threading.Thread(target=drop_many, name="uprez-test") for _ in range(4)]
    for thread in threads:
        thread.start()
    counters.delays.enter(1, 0.0)
    counters.drop_in_flight("lost")
    counters.drop_in_flight("lost")
    for thread in threads:
        thread.join()
    assert counters.dropped == {"too slow": 4000, "lost": 1}

"""What a live stream counts."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.counters import Delays, Rate, StreamCounters


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_is_that_of_the_last_seconds() -> None:
    clock = Hand()
    rate = Rate(clock)
    for _ in range(100):
        clock.now += 1 / 25
        rate.add()
    assert rate.value == pytest.approx(25, rel=0.02)
    clock.now += 60
    assert rate.value == 0
    assert rate.count == 100


def test_a_rate_falls_while_nothing_comes() -> None:
    clock = Hand()
    rate = Rate(clock)
    for _ in range(26):
        clock.now += 1 / 25
        rate.add()
    before = rate.value
    clock.now += 2
    assert rate.value < before / 2


def test_delays_are_told_in_percentiles_over_the_last_minute() -> None:
    clock = Hand()
    delays = Delays(clock)
    assert delays.figures() is None
    for pts in range(100):
        delays.enter(pts, clock.now)
        clock.now += 0.010 if pts < 99 else 0.500
        assert delays.leave(pts)
    told = delays.figures()
    assert told is not None
    assert (told.p50, told.frames) == (pytest.approx(0.010), 100)
    assert told.p50 <= told.p95 <= told.p99 <= 0.500
    clock.now += 61
    assert delays.figures() is None


def test_a_frame_that_was_repeated_has_no_delay() -> None:
    delays = Delays()
    delays.enter(1, 0.0)
    assert delays.leave(1)
    assert not delays.leave(1)
    assert not delays.leave(2)


@given(st.lists(st.integers(0, 50), unique=True), st.sets(st.integers(0, 50)))
def test_each_frame_leaves_or_is_forgotten(came: list[int], leaving: set[int]) -> None:
    delays = Delays()
    for pts in came:
        delays.enter(pts, 0.0)
    left = sum(delays.leave(pts) for pts in leaving)
    assert left + delays.forget_in_flight() == len(came)
    assert delays.forget_in_flight() == 0


def test_what_is_left_out_is_counted_by_reason_and_by_all_threads() -> None:
    counters = StreamCounters()
    threads = [threading.Thread(target=lambda: [counters.drop("behind") for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    counters.delays.enter(1, 0.0)
    counters.drop_in_flight("lost")
    counters.drop_in_flight("lost")
    for thread in threads:
        thread.join()
    assert counters.dropped == {"behind": 4000, "lost": 1}

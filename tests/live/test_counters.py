"""What a live stream counts."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.counters import Delays, Rate, Tally


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
        delays.came(pts, clock.now)
        clock.now += 0.010 if pts < 99 else 0.500
        assert delays.left(pts)
    told = delays.figures()
    assert told is not None
    assert (told.p50, told.frames) == (pytest.approx(0.010), 100)
    assert told.p50 <= told.p95 <= told.p99 <= 0.500
    clock.now += 61
    assert delays.figures() is None


def test_a_frame_that_was_repeated_has_no_delay() -> None:
    delays = Delays()
    delays.came(1, 0.0)
    assert delays.left(1)
    assert not delays.left(1)
    assert not delays.left(2)


@given(st.lists(st.integers(0, 50), unique=True), st.sets(st.integers(0, 50)))
def test_each_frame_leaves_or_is_forgotten(came: list[int], leaving: set[int]) -> None:
    delays = Delays()
    for pts in came:
        delays.came(pts, 0.0)
    left = sum(delays.left(pts) for pts in leaving)
    assert left + delays.forget() == len(came)
    assert delays.forget() == 0


def test_what_is_left_out_is_counted_by_reason_and_by_all_threads() -> None:
    tally = Tally()
    threads = [threading.Thread(target=lambda: [tally.drop("behind") for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    tally.delays.came(1, 0.0)
    tally.lose("lost")
    tally.lose("lost")
    for thread in threads:
        thread.join()
    assert tally.dropped == {"behind": 4000, "lost": 1}

"""Waits between attempts are short at first, then double, and never exceed the limit."""

import itertools

from pipeline.flow.backoff import Backoff
from tests.clock import Clock


def waits(clock: Clock, backoff: Backoff, count: int) -> list[float]:
    """The waits of `count` failures in a row; the attempts themselves take no time."""
    found = []
    for _ in range(count):
        found.append(backoff.wait())
        clock.now += found[-1]
    return found


def test_waits_are_half_a_second_for_the_first_five_minutes() -> None:
    clock = Clock()
    assert set(waits(clock, Backoff(clock=clock), 600)) == {0.5}
    assert clock.now == 400


def test_later_waits_double_up_to_the_longest() -> None:
    clock = Clock()
    backoff = Backoff(0.5, 2, 30, jitter=lambda: 0, clock=clock)
    assert waits(clock, backoff, 13) == [0.5] * 4 + [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_up_to_half_of_a_wait_is_subtracted_at_random() -> None:
    clock = Clock()
    jitter = itertools.cycle([0.0, 1.0, 0.5])
    backoff = Backoff(1, 0, 8, jitter=lambda: next(jitter), clock=clock)
    assert waits(clock, backoff, 5) == [2, 2, 6, 8, 4]


def test_doubling_waits_have_no_polling_and_no_random_part() -> None:
    backoff = Backoff.doubling(1.0, 8.0)
    assert [backoff.wait() for _ in range(5)] == [1, 2, 4, 8, 8]


def test_reset_starts_with_the_shortest_wait_again() -> None:
    clock = Clock()
    backoff = Backoff(0.5, 2, 30, jitter=lambda: 0, clock=clock)
    waits(clock, backoff, 8)
    backoff.reset()
    clock.now += 1000
    assert waits(clock, backoff, 5) == [0.5] * 4 + [1]


def test_thousands_of_failures_do_not_exceed_the_longest_wait() -> None:
    clock = Clock()
    assert max(waits(clock, Backoff(0.5, 2, 30, clock=clock), 5000)) <= 30


def test_no_wait_is_shorter_than_a_poll_interval_above_the_longest() -> None:
    clock = Clock()
    assert waits(clock, Backoff(5, 5, 1, jitter=lambda: 0, clock=clock), 3) == [5, 5, 5]

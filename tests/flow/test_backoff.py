"""Waits are short at first, and never longer than allowed."""

import itertools

from pipeline.flow.backoff import Backoff


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def waits(self, backoff: Backoff, count: int) -> list[float]:
        """The waits of so many tries in a row, which take no time themselves."""
        waits = []
        for _ in range(count):
            waits.append(backoff.wait())
            self.now += waits[-1]
        return waits


def test_a_server_is_polled_for_the_first_minutes() -> None:
    clock = Clock()
    assert set(clock.waits(Backoff(clock=clock), 600)) == {0.5}
    assert clock.now == 400


def test_then_each_wait_is_twice_the_last_up_to_the_longest() -> None:
    clock = Clock()
    backoff = Backoff(0.5, 2, 30, jitter=lambda: 0, clock=clock)
    assert clock.waits(backoff, 13) == [0.5] * 4 + [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_waits_are_scattered_between_the_half_and_the_whole() -> None:
    clock = Clock()
    jitter = itertools.cycle([0.0, 1.0, 0.5])
    backoff = Backoff(1, 0, 8, jitter=lambda: next(jitter), clock=clock)
    assert clock.waits(backoff, 5) == [2, 2, 6, 8, 4]


def test_after_a_success_all_begins_anew() -> None:
    clock = Clock()
    backoff = Backoff(0.5, 2, 30, jitter=lambda: 0, clock=clock)
    clock.waits(backoff, 8)
    backoff.reset()
    clock.now += 1000
    assert clock.waits(backoff, 5) == [0.5] * 4 + [1]


def test_years_of_tries_are_no_trouble() -> None:
    clock = Clock()
    assert max(clock.waits(Backoff(0.5, 2, 30, clock=clock), 5000)) <= 30


def test_no_wait_is_shorter_than_a_poll_that_is_longer_than_the_longest() -> None:
    clock = Clock()
    assert clock.waits(Backoff(5, 5, 1, jitter=lambda: 0, clock=clock), 3) == [5, 5, 5]

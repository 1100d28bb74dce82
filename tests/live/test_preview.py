"""A tap: pairs of the same moment, as long as somebody looks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.live.preview import Tap
from tests.waiting import until


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tap(clock: Clock) -> Tap:
    """One that somebody looks at, at every frame."""
    tap = Tap(clock)
    assert tap.pair(interval=0.0) is None
    return tap


def frame_at(frame: Frame, pts: int) -> Frame:
    return Frame(frame.format, frame.planes, pts, 1)


def test_both_halves_of_a_pair_show_the_same_moment(tap: Tap, frame: Frame) -> None:
    for pts in (1, 2, 3):
        tap.add_before(frame_at(frame, pts))
    tap.add_after(frame_at(frame, 1))
    tap.add_after(frame_at(frame, 2))
    pair = tap.pair()
    assert pair is not None
    assert (pair.before.pts, pair.after.pts, pair.number) == (2, 2, 2)


def test_the_memory_of_a_frame_can_be_used_again_at_once(tap: Tap, frame: Frame) -> None:
    kept = [plane.copy() for plane in frame.planes]
    tap.add_before(frame)
    tap.add_after(frame)
    for plane in frame.planes:
        plane.fill(0)
    pair = tap.pair()
    assert pair is not None
    for seen in (pair.before, pair.after):
        assert all(np.array_equal(a, b) for a, b in zip(seen.planes, kept, strict=True))


def test_nothing_is_copied_while_nobody_looks(frame: Frame) -> None:
    tap = Tap()
    tap.add_before(frame)
    tap.add_after(frame)
    assert not tap.wanted
    assert tap.pair() is None


def test_interest_ends_by_itself_and_the_pictures_are_freed(tap: Tap, clock: Clock, frame: Frame) -> None:
    tap.add_before(frame)
    tap.add_after(frame)
    assert tap.wanted
    clock.now += 3
    assert not tap.wanted
    tap.add_before(frame_at(frame, 8))
    assert tap.pair() is None


def test_frames_that_were_lost_in_between_leave_nothing_behind(tap: Tap, frame: Frame) -> None:
    for pts in range(5):
        tap.add_before(frame_at(frame, pts))
    tap.add_after(frame_at(frame, 4))
    tap.add_after(frame_at(frame, 2))  # none of these is waited for any more
    pair = tap.pair()
    assert pair is not None
    assert pair.after.pts == 4
    assert tap.pair(pair.number) is None


def test_a_line_that_gives_nothing_fills_no_memory(tap: Tap, frame: Frame) -> None:
    for pts in range(100):
        tap.add_before(frame_at(frame, pts))
    tap.add_after(frame_at(frame, 50))
    assert tap.pair() is None
    tap.add_after(frame_at(frame, 99))
    assert tap.pair() is not None


def test_pairs_are_as_rare_as_the_most_impatient_looker_wants(clock: Clock, frame: Frame) -> None:
    tap = Tap(clock)
    tap.pair(interval=0.1)
    assert pairs_in_a_second(tap, clock, frame) == 10
    tap.pair(interval=0.1)
    tap.pair(interval=0.05)
    assert pairs_in_a_second(tap, clock, frame) == 20


def pairs_in_a_second(tap: Tap, clock: Clock, frame: Frame) -> int:
    first = tap._count
    for _ in range(100):
        clock.now += 0.01
        tap.add_before(frame_at(frame, int(clock.now * 1000)))
        tap.add_after(frame_at(frame, int(clock.now * 1000)))
    return tap._count - first


def test_who_waits_is_woken(frame: Frame) -> None:
    tap, found = Tap(), []
    looker = threading.Thread(target=lambda: found.append(tap.pair(timeout=20)), name="uprez-looker")
    looker.start()
    until(lambda: tap.wanted)
    tap.add_before(frame)
    tap.add_after(frame)
    looker.join()
    assert found[0].number == 1

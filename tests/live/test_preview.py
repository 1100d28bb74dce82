"""A tap gives pairs of frames before and after upscaling, as long as somebody requests them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.live.preview import FramePair, Tap
from tests.clock import Clock
from tests.waiting import in_thread, joined, until


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tap(clock: Clock) -> Tap:
    """A tap from which pairs of every frame are requested."""
    tap = Tap(clock)
    assert tap.pair(interval=0.0) is None
    return tap


def frame_at(frame: Frame, pts: int) -> Frame:
    return Frame(frame.format, frame.planes, pts, 1)


def test_both_frames_of_a_pair_have_the_same_pts(tap: Tap, frame: Frame) -> None:
    for pts in (1, 2, 3):
        tap.add_before(frame_at(frame, pts))
    tap.add_after(frame_at(frame, 1))
    tap.add_after(frame_at(frame, 2))
    pair = tap.pair()
    assert pair is not None
    assert (pair.before.pts, pair.after.pts, pair.number) == (2, 2, 2)


def test_pairs_do_not_use_the_memory_of_the_frames(tap: Tap, frame: Frame) -> None:
    kept = [plane.copy() for plane in frame.planes]
    tap.add_before(frame)
    tap.add_after(frame)
    for plane in frame.planes:
        plane.fill(0)
    pair = tap.pair()
    assert pair is not None
    for copy in (pair.before, pair.after):
        assert all(np.array_equal(a, b) for a, b in zip(copy.planes, kept, strict=True))


def test_nothing_is_copied_without_requests(frame: Frame) -> None:
    tap = Tap()
    tap.add_before(frame)
    tap.add_after(frame)
    assert not tap.wanted
    assert tap.pair() is None


def test_frames_are_freed_some_seconds_after_the_last_request(tap: Tap, clock: Clock, frame: Frame) -> None:
    tap.add_before(frame)
    tap.add_after(frame)
    assert tap.wanted
    clock.now += 3
    assert not tap.wanted
    tap.add_before(frame_at(frame, 8))
    assert tap.pair() is None


def test_frames_that_were_lost_are_forgotten(tap: Tap, frame: Frame) -> None:
    for pts in range(5):
        tap.add_before(frame_at(frame, pts))
    tap.add_after(frame_at(frame, 4))
    tap.add_after(frame_at(frame, 2))  # an earlier one, which is not expected any more
    pair = tap.pair()
    assert pair is not None
    assert pair.after.pts == 4
    assert tap.pair(pair.number) is None


def test_only_a_few_frames_are_kept_if_none_leaves(tap: Tap, frame: Frame) -> None:
    for pts in range(100):
        tap.add_before(frame_at(frame, pts))
    tap.add_after(frame_at(frame, 50))
    assert tap.pair() is None
    tap.add_after(frame_at(frame, 99))
    assert tap.pair() is not None


def test_the_shortest_requested_interval_counts(clock: Clock, frame: Frame) -> None:
    tap = Tap(clock)
    tap.pair(interval=0.1)
    assert pairs_in_a_second(tap, clock, frame) == 10
    tap.pair(interval=0.1)
    tap.pair(interval=0.05)
    assert pairs_in_a_second(tap, clock, frame) == 20


def pairs_in_a_second(tap: Tap, clock: Clock, frame: Frame) -> int:
    numbers: set[int] = set()
    for _ in range(100):
        clock.now += 0.01
        tap.add_before(frame_at(frame, int(clock.now * 1000)))
        tap.add_after(frame_at(frame, int(clock.now * 1000)))
        if pair := tap.pair(interval=1000.0):  # an interval that changes nothing
            numbers.add(pair.number)
    return len(numbers)


def test_a_new_pair_wakes_a_waiting_request(frame: Frame) -> None:
    tap = Tap()
    thread, pairs = in_thread(lambda: tap.pair(timeout=20))
    until(lambda: tap.wanted)
    tap.add_before(frame)
    tap.add_after(frame)
    joined(thread)
    (pair,) = pairs
    assert isinstance(pair, FramePair)
    assert pair.number == 1

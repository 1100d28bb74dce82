"""Frames whose times advance."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.decoding.monotonic import MonotonicTimestamps

TINY = FrameFormat(2, 2, PIXEL_FORMATS["gray"], Colour(1, False))


def ordered(times: list[int]) -> tuple[list[int], int]:
    order = MonotonicTimestamps()
    frames = [frame for time in times for frame in order.feed(Frame(TINY, (), time, 40))]
    return [frame.pts for frame in [*frames, *order.finish()]], order.repaired


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 40, 80, 700, 701], [0, 40, 80, 700, 701]),
        ([0, 0, 80, 80, 160], [0, 1, 80, 81, 160]),
        ([0, 40, 20, 120, 160], [0, 40, 41, 120, 160]),
        ([0, 40, 9000, 120, 160], [0, 40, 80, 120, 160]),
        ([100, 60, 180], [100, 101, 180]),
        ([0, 1, 2, 2, 3], [0, 1, 2, 3, 4]),
        ([5], [5]),
        ([], []),
    ],
    ids=["right", "doubled", "late", "early", "late at once", "without room", "one", "none"],
)
def test_as_few_as_can_be_are_moved(times: list[int], expected: list[int]) -> None:
    moved = sum(a != b for a, b in zip(times, expected, strict=True))
    assert ordered(times) == (expected, moved)


@given(times=st.lists(st.integers(-1000, 1000), max_size=30))
def test_all_come_out_and_times_advance(times: list[int]) -> None:
    moved, _ = ordered(times)
    assert len(moved) == len(times)
    assert all(a < b for a, b in itertools.pairwise(moved))


@given(steps=st.lists(st.integers(1, 500), max_size=30))
def test_times_that_advance_are_left_alone(steps: list[int]) -> None:
    times = [sum(steps[:i]) for i in range(len(steps))]
    assert ordered(times) == (times, 0)


def test_packets_pass() -> None:
    assert list(MonotonicTimestamps().feed("a packet")) == ["a packet"]


def test_a_frame_that_is_held_at_the_end_is_released() -> None:
    released = []
    order = MonotonicTimestamps()
    list(order.feed(Frame(TINY, (), 0, release=lambda: released.append(0))))
    order.close()
    order.close()
    assert released == [0]

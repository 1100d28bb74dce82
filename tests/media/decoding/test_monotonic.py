"""MonotonicTimestamps moves as few frames as possible, and yields increasing timestamps."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.decoding.monotonic import MonotonicTimestamps

TINY = FrameFormat(2, 2, PIXEL_FORMATS["gray"], Colour(1, False))


def repair(times: list[int]) -> tuple[list[int], int]:
    stage = MonotonicTimestamps[str]()
    frames = [frame for time in times for frame in stage.feed(Frame(TINY, (), time, 40))]
    return [frame.pts for frame in [*frames, *stage.finish()] if isinstance(frame, Frame)], stage.repaired


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
def test_as_few_frames_as_possible_are_moved(times: list[int], expected: list[int]) -> None:
    moved = sum(a != b for a, b in zip(times, expected, strict=True))
    assert repair(times) == (expected, moved)


@given(times=st.lists(st.integers(-1000, 1000), max_size=30))
def test_all_frames_are_yielded_with_increasing_timestamps(times: list[int]) -> None:
    moved, _ = repair(times)
    assert len(moved) == len(times)
    assert all(a < b for a, b in itertools.pairwise(moved))


@given(steps=st.lists(st.integers(1, 500), max_size=30))
def test_increasing_timestamps_are_unchanged(steps: list[int]) -> None:
    times = [sum(steps[:i]) for i in range(len(steps))]
    assert repair(times) == (times, 0)


def test_other_items_pass_unchanged() -> None:
    assert list(MonotonicTimestamps[str]().feed("a packet")) == ["a packet"]


def test_held_frame_is_released_on_close() -> None:
    released: list[int] = []
    stage = MonotonicTimestamps[str]()
    list(stage.feed(Frame(TINY, (), 0, release=lambda: released.append(0))))
    stage.close()
    stage.close()
    assert released == [0]

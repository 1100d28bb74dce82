"""Frames are matched by their times."""

from collections.abc import Sequence
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipeline.diagnostics.comparison.clip import TimedFrame
from pipeline.diagnostics.comparison.timeline import Timeline
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat

FRAME = Frame(FrameFormat(2, 2, PIXEL_FORMATS["gray"], Colour(1, True)), (), pts=0)


class Frames:
    """Frames at these times, whose pts are their numbers, and the numbers of those that were released."""

    def __init__(self, times: Sequence[float]) -> None:
        self.released: list[int] = []
        self.frames = [TimedFrame(time, self._frame(number)) for number, time in enumerate(times)]

    def _frame(self, number: int) -> Frame:
        return replace(FRAME, pts=number, release=lambda: self.released.append(number))

    def matched_with(self, times: Sequence[float], wanted: Sequence[int] | None = None) -> list[tuple[int, int]]:
        """Index and number of each frame that is matched."""
        timeline = Timeline(tuple(times))
        indices = range(len(times)) if wanted is None else wanted
        return [(index, frame.pts) for index, frame in timeline.match(iter(self.frames), indices)]


def test_equal_times_are_matched_one_by_one() -> None:
    assert Frames([0, 0.04, 0.08]).matched_with([0, 0.04, 0.08]) == [(0, 0), (1, 1), (2, 2)]


def test_variable_frame_rates_are_matched_by_time_not_by_number() -> None:
    assert Frames([0, 0.04, 0.05, 0.12, 0.3]).matched_with([0, 0.04, 0.12, 0.3]) == [(0, 0), (1, 1), (2, 3), (3, 4)]


def test_a_missing_frame_leaves_a_gap_and_the_next_ones_match() -> None:
    assert Frames([0, 0.08, 0.12]).matched_with([0, 0.04, 0.08, 0.12]) == [(0, 0), (2, 1), (3, 2)]


def test_of_twice_the_rate_every_other_frame_matches() -> None:
    assert Frames([0, 0.02, 0.04, 0.06, 0.08]).matched_with([0, 0.04, 0.08]) == [(0, 0), (1, 2), (2, 4)]
    assert Frames([0, 0.04, 0.08]).matched_with([0, 0.02, 0.04, 0.06, 0.08]) == [(0, 0), (2, 1), (4, 2)]


def test_times_that_are_rounded_to_milliseconds_match() -> None:
    exact = [index / 240 for index in range(20)]
    assert Frames([round(time, 3) for time in exact]).matched_with(exact) == [(index, index) for index in range(20)]


def test_a_single_frame_matches_a_single_frame() -> None:
    assert Frames([0.01]).matched_with([0]) == [(0, 0)]
    assert Frames([]).matched_with([0]) == []


def test_only_wanted_frames_are_yielded_and_the_others_released() -> None:
    frames = Frames([0, 0.04, 0.08, 0.12])
    assert frames.matched_with([0, 0.04, 0.08, 0.12], wanted=[1]) == [(1, 1)]
    assert frames.released == [0, 2, 3]


TIMES = st.lists(st.integers(0, 3000), max_size=40, unique=True).map(
    lambda ticks: [tick / 1000 for tick in sorted(ticks)]
)


@given(TIMES, TIMES)
def test_matches_are_in_order_unique_and_within_the_tolerance(times: list[float], others: list[float]) -> None:
    frames = Frames(others)
    matched = frames.matched_with(times)
    assert all(abs(times[index] - others[number]) <= Timeline(tuple(times)).tolerance for index, number in matched)
    assert [number for _, number in matched] == sorted({number for _, number in matched})
    assert [index for index, _ in matched] == sorted({index for index, _ in matched})
    assert not {number for _, number in matched} & set(frames.released)


@given(TIMES)
def test_a_video_matches_itself_completely(times: list[float]) -> None:
    assert Frames(times).matched_with(times) == [(index, index) for index in range(len(times))]


def test_tolerance_is_a_quarter_of_the_usual_distance() -> None:
    assert Timeline((0, 0.04, 0.08, 5)).tolerance == pytest.approx(0.01)

"""Decoding timestamps are calculated from presentation timestamps."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import OutputError
from pipeline.media.encoding.dts import DecodingTimes


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=60),
    st.integers(0, 4),
    st.integers(-(10**6), 10**6),
)
def test_dts_increase_and_precede_pts(steps: list[int], delay: int, start: int) -> None:
    presented = [start + step for step in itertools.accumulate(steps)]
    times = DecodingTimes()
    for pts in presented:
        times.add_frame(pts)
    ahead = presented[min(delay, len(presented) - 1)] - presented[0]
    times.start(presented[0], presented[0] - ahead)
    decoded = [times.next() for _ in presented]
    assert all(a < b for a, b in itertools.pairwise(decoded))
    latest = presented[: len(presented) - delay] if delay else presented
    assert all(dts <= pts for dts, pts in zip(decoded[delay:], latest, strict=False))


def test_the_first_dts_precede_their_pts_by_the_delay() -> None:
    times = DecodingTimes()
    for pts in (0, 10, 20, 30):
        times.add_frame(pts)
    times.start(0, -20)
    assert [times.next() for _ in range(4)] == [-20, -10, 0, 10]


def test_more_packets_than_frames_are_an_error() -> None:
    times = DecodingTimes()
    times.add_frame(0)
    times.start(0, 0)
    times.next()
    with pytest.raises(OutputError, match="more packets than frames"):
        times.next()

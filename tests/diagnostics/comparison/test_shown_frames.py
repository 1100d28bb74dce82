"""A page shows as many frames as its size allows."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from pipeline.diagnostics.comparison.shown_frames import MAX_FRAMES, MAX_PIXELS, ShownFrames


def test_few_small_frames_are_all_shown() -> None:
    shown = ShownFrames.choose(6, (128, 96), 3)
    assert (shown.indices, shown.size) == ((0, 1, 2, 3, 4, 5), (128, 96))
    assert shown.notes(6, (128, 96)) == []


def test_of_many_frames_those_shown_are_spread_evenly() -> None:
    shown = ShownFrames.choose(50, (640, 360), 3)
    assert shown.indices == tuple(range(0, 50, 3))
    assert shown.notes(50, (640, 360)) == ["the page shows 17 of 50 frames: one of 3 frames from the first on"]


def test_consecutive_frames_are_shown_on_request() -> None:
    shown = ShownFrames.choose(50, (640, 360), 3, every=1)
    assert shown.indices == tuple(range(MAX_FRAMES))
    assert shown.notes(50, (640, 360)) == ["the page shows 24 of 50 frames: every frame from the first on"]


def test_two_frames_that_are_too_large_are_cropped_to_their_middle() -> None:
    shown = ShownFrames.choose(50, (7680, 4320), 4)
    assert len(shown.indices) == 2
    assert shown.size < (7680, 4320)
    (line,) = (line for line in shown.notes(50, (7680, 4320)) if "middle" in line)
    assert line.endswith("in the middle of 7680x4320")


def test_a_crop_is_the_middle_of_an_image() -> None:
    image = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8, 1).repeat(3, 2)
    cropped = ShownFrames((0,), (4, 2), 1).crop(image)
    assert cropped[..., 0].tolist() == [[18, 19, 20, 21], [26, 27, 28, 29]]
    assert not np.shares_memory(cropped, image)


@given(
    frames=st.integers(1, 100_000),
    size=st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
    rows=st.integers(1, 20),
    every=st.none() | st.integers(1, 1000),
)
def test_the_limits_hold_for_any_video(frames: int, size: tuple[int, int], rows: int, every: int | None) -> None:
    shown = ShownFrames.choose(frames, size, rows, every)
    assert shown.indices[0] == 0
    assert 1 <= len(shown.indices) <= MAX_FRAMES
    assert shown.indices[-1] < frames
    assert rows * len(shown.indices) * shown.size[0] * shown.size[1] <= MAX_PIXELS
    assert all(0 < own <= full for own, full in zip(shown.size, size, strict=True))

"""Frames made larger at their right and lower edge."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.encoding.pad import Pad


@given(st.sampled_from(sorted(PIXEL_FORMATS)), st.integers(1, 9), st.integers(1, 9), st.sampled_from([2, 16]))
def test_the_picture_stays_where_it_is_and_its_edge_is_repeated(name: str, width: int, height: int, unit: int) -> None:
    small = FrameFormat(width, height, PIXEL_FORMATS[name], Colour(1, False))
    large = replace(small, width=-(-width // unit) * unit, height=-(-height // unit) * unit)
    planes = small.split(np.random.default_rng(1).integers(0, 256, small.bytes, np.uint8))
    released = []
    (padded,) = Pad(large).feed(Frame(small, planes, 5, 1, lambda: released.append(0)))
    assert padded.format == large
    assert (padded.pts, padded.duration) == (5, 1)
    assert released == ([0] if large != small else [])
    step = 2 if small.pixel.interleaved else 1
    for index, (plane, before, shape) in enumerate(zip(padded.planes, planes, large.plane_shapes, strict=True)):
        assert plane.shape == shape
        assert np.array_equal(plane[: before.shape[0], : before.shape[1]], before)
        width_of_one = step if index else 1
        last = plane[:, before.shape[1] - width_of_one : before.shape[1]]
        assert np.array_equal(plane[:, plane.shape[1] - width_of_one :], last)
        assert np.array_equal(plane[-1], plane[before.shape[0] - 1])


def test_what_is_no_frame_passes(small_format: FrameFormat) -> None:
    assert list(Pad(small_format).feed("a packet")) == ["a packet"]


@pytest.mark.parametrize("size", [(32, 16)])
def test_a_frame_of_that_size_passes(frame: Frame, size: tuple[int, int]) -> None:
    assert (frame.format.width, frame.format.height) == size
    assert list(Pad(frame.format).feed(frame)) == [frame]

"""Pad enlarges frames at their right and bottom edges, and changes nothing else."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.encoding.pad import Pad


@given(st.sampled_from(sorted(PIXEL_FORMATS)), st.integers(1, 9), st.integers(1, 9), st.sampled_from([2, 16]))
def test_padding_keeps_the_frame_and_repeats_its_edge(name: str, width: int, height: int, unit: int) -> None:
    small = FrameFormat(width, height, PIXEL_FORMATS[name], Colour(1, False))
    large = replace(small, width=-(-width // unit) * unit, height=-(-height // unit) * unit)
    planes = small.split(np.random.default_rng(1).integers(0, 256, small.bytes, np.uint8))
    released: list[int] = []
    pad: Pad[str] = Pad(large)
    (padded,) = pad.feed(Frame(small, planes, 5, 1, partial(released.append, 0)))
    assert isinstance(padded, Frame)
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


def test_other_items_are_passed_along(small_format: FrameFormat) -> None:
    pad: Pad[str] = Pad(small_format)
    assert list(pad.feed("a packet")) == ["a packet"]


@pytest.mark.parametrize("size", [(32, 16)])
def test_a_frame_of_the_right_size_is_passed_along(frame: Frame, size: tuple[int, int]) -> None:
    assert (frame.format.width, frame.format.height) == size
    pad: Pad[str] = Pad(frame.format)
    assert list(pad.feed(frame)) == [frame]

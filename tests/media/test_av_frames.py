"""Frames as FFmpeg takes them: lent, packed or copied, and given back."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Frame
from pipeline.media.av_frames import wrap_frame
from pipeline.media.packed_formats import packings
from tests.frames import Size, assert_same, format_of, noise

PACKED_ONLY = {pixel.name for pixel in PIXEL_FORMATS.values() if pixel.name in {each.name for each in packings(pixel)}}
PLANAR = sorted(set(PIXEL_FORMATS) - PACKED_ONLY)
PACKED = [(pixel.name, packing.name) for pixel in PIXEL_FORMATS.values() for packing in packings(pixel)]


@pytest.mark.parametrize("pixel", PLANAR)
def test_a_frame_is_wrapped_without_a_copy_and_released_when_ffmpeg_lets_go(pixel: str) -> None:
    format = format_of(pixel)
    memory = np.zeros(format.bytes, np.uint8)
    released: list[int] = []
    frame = Frame(format, format.split(memory), pts=3, duration=1, release=lambda: released.append(1))
    picture = wrap_frame(frame)
    memory[:] = 7
    assert all(set(bytes(plane)) == {7} for plane in picture.planes)
    assert (picture.pts, picture.duration) == (3, 1)
    assert not released
    del picture
    gc.collect()
    assert released == [1]


@pytest.mark.parametrize(("pixel", "name"), PACKED)
@pytest.mark.parametrize("size", [(64, 48), (33, 17)], ids=["even", "odd"])
def test_packed_samples_are_the_same_and_the_frame_is_released_at_once(pixel: str, name: str, size: Size) -> None:
    released: list[int] = []
    frame = replace(noise(format_of(pixel, size)), pts=3, duration=1, release=lambda: released.append(1))
    picture = wrap_frame(frame, name)
    assert released == [1]
    assert (picture.format.name, picture.pts, picture.duration) == (name, 3, 1)
    assert_same(frame, picture)


@pytest.mark.parametrize("pixel", ["ya8", "ya16le"])
def test_what_ffmpeg_has_in_no_planes_is_packed_by_itself(pixel: str) -> None:
    frame = noise(format_of(pixel))
    picture = wrap_frame(frame)
    assert picture.format.name == pixel
    assert_same(frame, picture)


@pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p10le", "yuva420p", "nv12", "p010le", "yuv440p"])
def test_an_odd_size_is_copied_and_the_frame_released_at_once(pixel: str) -> None:
    released: list[int] = []
    frame = replace(noise(format_of(pixel, (33, 17))), release=lambda: released.append(1))
    picture = wrap_frame(frame)
    assert released == [1]
    assert (picture.width, picture.height, picture.format.name) == (33, 17, pixel)
    for plane, samples in zip(picture.planes, frame.planes, strict=True):
        there = np.frombuffer(plane, np.uint8).reshape(plane.height, -1).view(samples.dtype)
        np.testing.assert_array_equal(there[:, : samples.shape[1]], samples)

"""Frames are shared with FFmpeg, packed or copied, and released once."""

import gc
from dataclasses import replace
from typing import Any

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
def test_planar_frame_is_shared_and_released_with_the_last_reference(pixel: str) -> None:
    format = format_of(pixel)
    memory = np.zeros(format.bytes, np.uint8)
    released: list[int] = []
    frame = Frame(format, format.split(memory), pts=3, duration=1, release=lambda: released.append(1))
    av_frame = wrap_frame(frame)
    memory[:] = 7
    assert all(set(bytes(plane)) == {7} for plane in av_frame.planes)
    assert (av_frame.pts, av_frame.duration) == (3, 1)
    assert not released
    del av_frame
    gc.collect()
    assert released == [1]


@pytest.mark.parametrize(("pixel", "name"), PACKED)
@pytest.mark.parametrize("size", [(64, 48), (33, 17)], ids=["even", "odd"])
def test_packed_frame_has_the_same_samples_and_is_released_at_once(pixel: str, name: str, size: Size) -> None:
    released: list[int] = []
    frame = replace(noise(format_of(pixel, size)), pts=3, duration=1, release=lambda: released.append(1))
    av_frame = wrap_frame(frame, name)
    assert released == [1]
    assert (av_frame.format.name, av_frame.pts, av_frame.duration) == (name, 3, 1)
    assert_same(frame, av_frame)


@pytest.mark.parametrize("pixel", ["ya8", "ya16le"])
def test_format_without_planes_in_ffmpeg_is_packed(pixel: str) -> None:
    frame = noise(format_of(pixel))
    av_frame = wrap_frame(frame)
    assert av_frame.format.name == pixel
    assert_same(frame, av_frame)


@pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p10le", "yuva420p", "nv12", "p010le", "yuv440p"])
def test_frame_of_odd_size_is_copied_and_released_at_once(pixel: str) -> None:
    released: list[int] = []
    frame = replace(noise(format_of(pixel, (33, 17))), release=lambda: released.append(1))
    av_frame = wrap_frame(frame)
    assert released == [1]
    assert (av_frame.width, av_frame.height, av_frame.format.name) == (33, 17, pixel)
    for plane, samples in zip(av_frame.planes, frame.planes, strict=True):
        buffer: Any = plane  # its stub does not declare the buffer protocol
        copied = np.frombuffer(buffer, np.uint8).reshape(plane.height, -1).view(samples.dtype)
        np.testing.assert_array_equal(copied[:, : samples.shape[1]], samples)

"""Frames are converted to their working format: flat fields stay exact, and chroma stays where it is sited."""

from typing import Any

import av
import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting
from pipeline.media.decoding.swscale import extract_planes
from tests.frames import format_of, noise, unpacked

RNG = np.random.default_rng(5)


def planar_frame(pixel: str, size: tuple[int, int], values: Any) -> av.VideoFrame:
    """A planar frame whose planes are filled with `values`, one of each."""
    frame = av.VideoFrame(*size, pixel)
    deep = frame.format.components[0].bits > 8
    dtype = np.dtype((">u2" if pixel.endswith("be") else "<u2") if deep else "u1")
    for plane, value in zip(frame.planes, values, strict=True):
        rows = np.broadcast_to(value, (plane.height, plane.width)).astype(dtype)
        line = np.zeros((plane.height, plane.line_size // dtype.itemsize), dtype)
        line[:, : plane.width] = rows
        plane.update(line.tobytes())
    return frame


@pytest.mark.parametrize("size", [(64, 48), (66, 50), (33, 17)])
@pytest.mark.parametrize("siting", [Siting.LEFT, Siting.CENTRE, Siting.TOP_LEFT])
@pytest.mark.parametrize(
    ("pixel", "to"),
    [
        ("yuv411p", "yuv422p"),
        ("yuv410p", "yuv420p"),
        ("yuv420p9le", "yuv420p10le"),
        ("yuv420p10be", "yuv420p10le"),
        ("yuv422p14le", "yuv422p16le"),
        ("yuva420p9le", "yuva420p10le"),
    ],
)
def test_flat_fields_stay_exact(pixel: str, to: str, siting: Siting, size: tuple[int, int]) -> None:
    depth = av.VideoFormat(pixel, *size).components[0].bits
    format = FrameFormat(*size, PIXEL_FORMATS[to], Colour(5, False, siting=siting))
    raised = format.pixel.depth - depth
    for levels in [(16, 128, 128), (235, 240, 16), (81, 90, 240), (1, 254, 77)]:
        values = [level << (depth - 8) for level in levels] + [0] * format.pixel.alpha
        planes = extract_planes(planar_frame(pixel, size, values), format)
        assert tuple(plane.shape for plane in planes) == format.plane_shapes
        for plane, value in zip(planes, values, strict=True):
            assert (plane == value << raised).all()


def test_chroma_of_dv_stays_where_it_is_sited() -> None:
    ramp = 40 + 10 * np.arange(16)
    planes = extract_planes(planar_frame("yuv411p", (64, 8), (128, ramp, ramp)), format_of("yuv422p", (64, 8)))
    for chroma in planes[1:]:
        assert (chroma[:, 0::2] == ramp).all()
        assert (chroma[:, 1:-1:2] == ramp[:-1] + 5).all()


@pytest.mark.parametrize("matrix", [0, 1, 4, 5, 7, 8, 9, 14])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(
    ("pixel", "size"),
    [("yuv420p9le", (64, 48)), ("yuv422p14le", (64, 48)), ("yuv411p", (64, 48)), ("yuv420p", (32, 32))],
)
def test_flat_fields_stay_exact_with_any_tags(pixel: str, size: tuple[int, int], full_range: bool, matrix: int) -> None:
    to = {"yuv420p9le": "yuv420p10le", "yuv422p14le": "yuv422p16le", "yuv411p": "yuv422p", "yuv420p": "yuv420p"}[pixel]
    depth = av.VideoFormat(pixel, *size).components[0].bits
    format = FrameFormat(64, 48, PIXEL_FORMATS[to], Colour(matrix, full_range))
    values = [level << (depth - 8) for level in (81, 90, 240)]
    av_frame = planar_frame(pixel, size, values)
    av_frame.colorspace, av_frame.color_range = matrix, 2 if full_range else 1
    for plane, value in zip(extract_planes(av_frame, format), values, strict=True):
        assert np.abs(plane.astype(int) - (value << (format.pixel.depth - depth))).max() <= 1


@pytest.mark.parametrize("pixel", ["yuv420p", "yuva444p10le", "gbrap", "gbrap12le", "gray16le"])
def test_matching_format_is_not_copied(pixel: str) -> None:
    frame = noise(format_of(pixel))
    av_frame = planar_frame(pixel, (64, 48), frame.planes)
    planes = extract_planes(av_frame, frame.format)
    for plane, samples in zip(planes, frame.planes, strict=True):
        np.testing.assert_array_equal(plane, samples)
        assert not plane.flags.owndata


@pytest.mark.parametrize(("pixel", "to"), [("yuva420p", "yuv420p"), ("gbrap", "gbrp"), ("yuva422p12le", "yuv422p12le")])
def test_unwanted_alpha_is_left_out(pixel: str, to: str) -> None:
    frame = noise(format_of(pixel))
    planes = extract_planes(planar_frame(pixel, (64, 48), frame.planes), format_of(to))
    for plane, samples in zip(planes, frame.planes[:-1], strict=True):
        np.testing.assert_array_equal(plane, samples)


@pytest.mark.parametrize(("pixel", "to"), [("yuv420p", "yuva420p"), ("gbrp", "gbrap"), ("gray", "ya8")])
def test_missing_alpha_is_opaque(pixel: str, to: str) -> None:
    """A video may lose its alpha in mid-stream, and only some images of a sequence may have it."""
    frame = noise(format_of(pixel))
    planes = extract_planes(planar_frame(pixel, (64, 48), frame.planes), format_of(to))
    assert (planes[-1] == 255).all()
    for plane, samples in zip(planes, frame.planes, strict=False):
        np.testing.assert_array_equal(plane, samples)


PACKED = [
    *(("gbrp", name) for name in ("rgb24", "bgr24", "rgb0", "bgr0", "0rgb", "0bgr")),
    *(("gbrap", name) for name in ("rgba", "bgra", "argb", "abgr")),
    *(("gbrp16le", name) for name in ("rgb48le", "rgb48be", "bgr48le")),
    *(("gbrap16le", name) for name in ("rgba64le", "rgba64be", "bgra64le")),
    *(("ya8", "ya8"), ("ya16le", "ya16le"), ("ya16le", "ya16be"), ("gray16le", "gray16be")),
]


@pytest.mark.parametrize(("pixel", "name"), PACKED)
@pytest.mark.parametrize("size", [(64, 48), (33, 17), (642, 362)], ids=str)
def test_packed_samples_are_unpacked_bit_for_bit(pixel: str, name: str, size: tuple[int, int]) -> None:
    frame = av.VideoFrame(*size, name)
    frame.planes[0].update(RNG.integers(0, 256, frame.planes[0].buffer_size, np.uint8).tobytes())
    format = format_of(pixel, size)
    for plane, samples in zip(extract_planes(frame, format), unpacked(frame, format), strict=True):
        np.testing.assert_array_equal(plane, samples)

"""Pixel formats agree with FFmpeg's, and frames are split into planes accordingly."""

import av
import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, PixelFormat, Siting, plain_name, without_alpha

PACKED_IN_FFMPEG = {"ya8", "ya16le"}
PLANAR = [pixel for name, pixel in PIXEL_FORMATS.items() if name not in PACKED_IN_FFMPEG]


@pytest.mark.parametrize("pixel", PLANAR, ids=lambda pixel: pixel.name)
@pytest.mark.parametrize("size", [(64, 48), (33, 17)])
def test_planes_have_the_shapes_of_ffmpegs_frame(pixel: PixelFormat, size: tuple[int, int]) -> None:
    width, height = size
    planes = av.VideoFrame(width, height, pixel.name).planes
    samples = [2 if pixel.interleaved and index == 1 else 1 for index, _ in enumerate(planes)]
    shapes = [(plane.height, plane.width * count) for plane, count in zip(planes, samples, strict=True)]
    assert list(pixel.plane_shapes(width, height)) == shapes


@pytest.mark.parametrize("pixel", PIXEL_FORMATS.values(), ids=lambda pixel: pixel.name)
def test_depth_and_alpha_are_those_of_ffmpegs_format(pixel: PixelFormat) -> None:
    components = av.VideoFormat(pixel.name, 64, 48).components
    assert components[0].bits == pixel.depth
    assert any(component.is_alpha for component in components) == pixel.alpha


def test_split_returns_views_of_consecutive_planes() -> None:
    format = FrameFormat(6, 4, PIXEL_FORMATS["yuv420p10le"], Colour(1, False))
    packed = np.arange(format.bytes, dtype=np.uint8)
    luma, first, second = format.split(packed)
    assert (luma.shape, first.shape, second.shape) == ((4, 6), (2, 3), (2, 3))
    assert all(np.shares_memory(plane, packed) for plane in (luma, first, second))
    assert b"".join(plane.tobytes() for plane in (luma, first, second)) == packed.tobytes()


def test_enlarged_format_keeps_pixel_format_and_colour() -> None:
    format = FrameFormat(6, 4, PIXEL_FORMATS["nv12"], Colour(9, True))
    assert format.enlarged(3) == FrameFormat(18, 12, format.pixel, format.colour)
    assert str(format.enlarged(3)) == "18x12 nv12"


@pytest.mark.parametrize(("name", "opaque"), [("yuva444p10le", "yuv444p10le"), ("gbrap", "gbrp"), ("ya8", "gray")])
def test_format_without_alpha_is_found(name: str, opaque: str) -> None:
    assert without_alpha(PIXEL_FORMATS[name]).name == opaque


def test_plain_name_drops_the_mark_of_full_range() -> None:
    assert (plain_name("yuvj420p"), plain_name("yuv420p")) == ("yuv420p", "yuv420p")


def test_siting_without_a_code_is_tagged_as_its_mirror_image() -> None:
    assert (Siting.RIGHT.coded, Siting.TOP_RIGHT.coded, Siting.TOP.coded) == (
        Siting.LEFT,
        Siting.TOP_LEFT,
        Siting.TOP,
    )
    assert Siting.RIGHT.phases == (2, 1)

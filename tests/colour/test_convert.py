"""Conversion of complete frames between samples and RGB."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.colour.convert import colour_planes, from_rgb, to_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Plane, Siting

formats = st.builds(
    FrameFormat,
    width=st.integers(1, 40),
    height=st.integers(1, 70),
    pixel=st.sampled_from(list(PIXEL_FORMATS.values())),
    colour=st.builds(
        Colour, matrix=st.sampled_from([1, 5, 6, 9]), full_range=st.booleans(), siting=st.sampled_from(list(Siting))
    ),
)


@settings(deadline=None)
@given(format=formats, codes=st.tuples(*[st.floats(0, 1)] * 3), dtype=st.sampled_from([np.float32, np.float64]))
def test_any_flat_frame_survives_a_round_trip_exactly(
    format: FrameFormat, codes: tuple[float, ...], dtype: type[np.floating]
) -> None:
    highest = (1 << format.pixel.depth) - 1
    original = format.split(np.zeros(format.bytes, np.uint8))
    for plane, code in zip(original, codes, strict=False):
        plane[:] = round(code * highest) << format.pixel.shift
    rgb = np.empty((3, format.height, format.width), dtype)
    to_rgb(original, format, rgb)
    back = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(rgb, format, back)
    for a, b in zip(colour_planes(original, format), colour_planes(back, format), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("pixel", [pixel.name for pixel in PIXEL_FORMATS.values() if pixel.alpha])
def test_alpha_is_neither_read_nor_written(pixel: str) -> None:
    format = FrameFormat(10, 6, PIXEL_FORMATS[pixel], Colour(1, False))
    packed = np.random.default_rng(0).integers(0, 256, format.bytes, np.uint8)
    rgb = [np.empty((3, 6, 10)) for _ in range(2)]
    to_rgb(format.split(packed), format, rgb[0])
    planes = format.split(packed.copy())
    planes[-1].fill(77)
    to_rgb(planes, format, rgb[1])
    np.testing.assert_array_equal(rgb[0], rgb[1])
    from_rgb(rgb[0], format, planes)
    assert (planes[-1] == 77).all()


@pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
def test_float32_is_within_a_level_of_float64_on_noise(pixel: str) -> None:
    format = FrameFormat(130, 90, PIXEL_FORMATS[pixel], Colour(1, False))
    rgb = np.random.default_rng(0).random((3, 90, 130)) * 1.6 - 0.3
    exact, fast = (format.split(np.zeros(format.bytes, np.uint8)) for _ in range(2))
    from_rgb(rgb, format, exact)
    from_rgb(rgb.astype(np.float32), format, fast)
    for a, b in zip(exact, fast, strict=True):
        assert np.abs((a >> format.pixel.shift).astype(int) - (b >> format.pixel.shift).astype(int)).max() <= 1


RED, GREEN, BLUE = range(3)


@pytest.mark.parametrize(("channel", "codes"), [(RED, (0, 0, 255)), (GREEN, (255, 0, 0)), (BLUE, (0, 255, 0))])
@pytest.mark.parametrize("full_range", [False, True])
def test_planes_of_rgb_formats_are_green_blue_and_red(channel: int, codes: tuple[int, ...], full_range: bool) -> None:
    format = FrameFormat(3, 2, PIXEL_FORMATS["gbrp"], Colour(1, full_range))
    rgb = np.zeros((3, 2, 3))
    rgb[channel] = 1
    planes = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(rgb, format, planes)
    assert tuple(int(plane[1, 2]) for plane in planes) == codes
    back = np.empty_like(rgb)
    to_rgb(planes, format, back)
    assert (back == rgb).all()


@pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "gray16le", "yuv444p16le"])
@pytest.mark.parametrize("scale", [1.0, 255.0])
@pytest.mark.parametrize("full_range", [False, True])
def test_float32_distinguishes_every_level_of_16_bits(pixel: str, scale: float, full_range: bool) -> None:
    format = FrameFormat(256, 256, PIXEL_FORMATS[pixel], Colour(9, full_range))
    original = format.split(np.zeros(format.bytes, np.uint8))
    levels = np.arange(1 << 16).reshape(256, 256) & ((1 << format.pixel.depth) - 1)
    for plane, order in zip(original, (levels, levels[::-1], levels.T), strict=False):
        plane[:] = order
    rgb = np.empty((3, 256, 256), np.float32)
    to_rgb(original, format, rgb, scale)
    back = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(rgb, format, back, scale)
    for a, b in zip(original, back, strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(("full_range", "black", "white"), [(False, 16, 235), (True, 0, 255)])
def test_yuv_of_either_range_converts_to_full_range_rgb_and_back(full_range: bool, black: int, white: int) -> None:
    yuv = FrameFormat(2, 1, PIXEL_FORMATS["yuv444p"], Colour(1, full_range))
    rgb = FrameFormat(2, 1, PIXEL_FORMATS["gbrp"], yuv.colour)
    planes = (np.array([[black, white]], np.uint8), *np.full((2, 1, 2), 128, np.uint8))
    output = converted(planes, yuv, rgb)
    assert [plane.tolist() for plane in output] == 3 * [[[0, 255]]]
    for a, b in zip(converted(output, rgb, yuv), planes, strict=True):
        assert (a == b).all()


def converted(planes: tuple[Plane, ...], source: FrameFormat, output_format: FrameFormat) -> tuple[Plane, ...]:
    between = np.empty((3, source.height, source.width), np.float32)
    to_rgb(planes, source, between)
    output = output_format.split(np.zeros(output_format.bytes, np.uint8))
    from_rgb(between, output_format, output)
    return output


@pytest.mark.parametrize(("pixel", "highest"), [("yuv444p", 255), ("gbrp10le", 1023), ("gbrp16le", 65535)])
def test_values_beyond_the_depth_are_clamped(pixel: str, highest: int) -> None:
    format = FrameFormat(2, 2, PIXEL_FORMATS[pixel], Colour(1, False))
    planes = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(np.full((3, 2, 2), 5.0), format, planes)
    assert (planes[0] == highest).all()
    from_rgb(np.full((3, 2, 2), -5.0), format, planes)
    assert (planes[0] == 0).all()

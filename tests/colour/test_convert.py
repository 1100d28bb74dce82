"""Whole frames: any flat frame of any format comes back exactly, in float32 as in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting

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
def test_any_flat_frame_comes_back_exactly(
    format: FrameFormat, codes: tuple[float, ...], dtype: type[np.floating]
) -> None:
    highest = (1 << format.pixel.depth) - 1
    given = format.split(np.zeros(format.bytes, np.uint8))
    for plane, code in zip(given, codes, strict=False):
        plane[:] = round(code * highest) << format.pixel.shift
    rgb = np.empty((3, format.height, format.width), dtype)
    to_rgb(given, format, rgb)
    back = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(rgb, format, back)
    for a, b in zip(given, back, strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("pixel", sorted(PIXEL_FORMATS))
def test_float32_is_within_a_level_of_float64_on_noise(pixel: str) -> None:
    format = FrameFormat(130, 90, PIXEL_FORMATS[pixel], Colour(1, False))
    rgb = np.random.default_rng(0).random((3, 90, 130)) * 1.6 - 0.3
    exact, fast = (format.split(np.zeros(format.bytes, np.uint8)) for _ in range(2))
    from_rgb(rgb, format, exact)
    from_rgb(rgb.astype(np.float32), format, fast)
    for a, b in zip(exact, fast, strict=True):
        assert np.abs((a >> format.pixel.shift).astype(int) - (b >> format.pixel.shift).astype(int)).max() <= 1


def test_values_beyond_the_depth_are_clamped() -> None:
    format = FrameFormat(2, 2, PIXEL_FORMATS["yuv444p"], Colour(1, False))
    planes = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(np.full((3, 2, 2), 5.0), format, planes)
    assert (planes[0] == 255).all()
    from_rgb(np.full((3, 2, 2), -5.0), format, planes)
    assert (planes[0] == 0).all()

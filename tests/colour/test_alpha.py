"""Alpha planes: full range at any depth, resampled bicubically, exact where they are not enlarged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.alpha import enlarge, opaque_value
from pipeline.colour.resample import bicubic
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, PixelFormat

WITH_ALPHA = [pixel for pixel in PIXEL_FORMATS.values() if pixel.alpha]


def enlarged(alpha: np.ndarray, source_name: str, output_name: str, scale: int) -> np.ndarray:
    source, pixel = PIXEL_FORMATS[source_name], PIXEL_FORMATS[output_name]
    height, width = alpha.shape
    output_format = FrameFormat(width * scale, height * scale, pixel, Colour(1, False))
    output = np.zeros((height * scale, width * scale), pixel.dtype)
    enlarge(alpha.astype(source.dtype), source, output_format, output)
    return output


@given(source=st.sampled_from(WITH_ALPHA), output=st.sampled_from(WITH_ALPHA), scale=st.integers(1, 4))
def test_full_opacity_and_full_transparency_are_preserved(source: PixelFormat, output: PixelFormat, scale: int) -> None:
    for source_value, output_value in ((0, 0), (opaque_value(source), opaque_value(output))):
        alpha = enlarged(np.full((5, 7), source_value), source.name, output.name, scale)
        assert (alpha == output_value).all()


@pytest.mark.parametrize("pixel", ["yuva420p", "yuva444p10le", "yuva444p12le", "gbrap16le"])
def test_every_level_is_preserved_at_scale_1(pixel: str) -> None:
    levels = np.arange(1 << 16).reshape(256, 256) & opaque_value(PIXEL_FORMATS[pixel])
    np.testing.assert_array_equal(enlarged(levels, pixel, pixel, 1), levels)


def test_enlarged_alpha_is_bicubic_and_clamped() -> None:
    alpha = np.random.default_rng(0).choice([0, 255], (9, 13)).astype(np.uint8)
    expected = np.clip(np.rint(bicubic(alpha.astype(float), 18, 26)), 0, 255)
    assert np.abs(enlarged(alpha, "yuva420p", "yuva420p", 2) - expected).max() <= 1
    assert {0, 255} < set(np.unique(expected))


def test_alpha_of_reduced_depth_is_dithered_to_the_right_mean() -> None:
    output = enlarged(np.full((8, 8), 514), "yuva444p10le", "yuva420p", 1)
    assert output.mean() == pytest.approx(514 * 255 / 1023, abs=1 / 128)
    assert len(np.unique(output)) == 2

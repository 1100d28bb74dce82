"""Alpha: full range at any depth, bicubic, exact where it is not enlarged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.alpha import enlarge, highest
from pipeline.colour.resample import bicubic
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat

WITH_ALPHA = [pixel for pixel in PIXEL_FORMATS.values() if pixel.alpha]


def enlarged(alpha: np.ndarray, came: str, leaves: str, scale: int) -> np.ndarray:
    source, pixel = PIXEL_FORMATS[came], PIXEL_FORMATS[leaves]
    height, width = alpha.shape
    result = FrameFormat(width * scale, height * scale, pixel, Colour(1, False))
    made = np.zeros((height * scale, width * scale), pixel.dtype)
    enlarge(alpha.astype(source.dtype), source, result, made)
    return made


@given(came=st.sampled_from(WITH_ALPHA), leaves=st.sampled_from(WITH_ALPHA), scale=st.integers(1, 4))
def test_what_is_opaque_or_not_there_at_all_stays_so(came: object, leaves: object, scale: int) -> None:
    for of_given, of_made in ((0, 0), (highest(came), highest(leaves))):  # type: ignore[arg-type]
        made = enlarged(np.full((5, 7), of_given), came.name, leaves.name, scale)  # type: ignore[attr-defined]
        assert (made == of_made).all()


@pytest.mark.parametrize("pixel", ["yuva420p", "yuva444p10le", "yuva444p12le", "gbrap16le"])
def test_every_level_comes_back_exactly_at_its_own_size(pixel: str) -> None:
    levels = np.arange(1 << 16).reshape(256, 256) & highest(PIXEL_FORMATS[pixel])
    np.testing.assert_array_equal(enlarged(levels, pixel, pixel, 1), levels)


def test_it_is_the_bicubic_of_its_levels_clamped() -> None:
    given = np.random.default_rng(0).choice([0, 255], (9, 13)).astype(np.uint8)
    expected = np.clip(np.rint(bicubic(given.astype(float), 18, 26)), 0, 255)
    assert np.abs(enlarged(given, "yuva420p", "yuva420p", 2) - expected).max() <= 1
    assert {0, 255} < set(np.unique(expected))


def test_where_depth_is_lost_it_is_right_on_average() -> None:
    made = enlarged(np.full((8, 8), 514), "yuva444p10le", "yuva420p", 1)
    assert made.mean() == pytest.approx(514 * 255 / 1023, abs=1 / 128)
    assert len(np.unique(made)) == 2

"""Matrices and ranges, compared with values printed in the standards."""

import numpy as np
import pytest

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.matrix import LUMA_WEIGHTS, conversion
from pipeline.errors import InputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat

# 100 % colour bars as code values of 8 bit: BT.601 (limited), BT.709 (limited), as published in test signal tables
BARS_601 = {"red": (81, 90, 240), "green": (145, 54, 34), "blue": (41, 240, 110), "white": (235, 128, 128)}
BARS_709 = {"red": (63, 102, 240), "green": (173, 42, 26), "blue": (32, 240, 118), "white": (235, 128, 128)}
RGB = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "white": (1, 1, 1)}


@pytest.mark.parametrize(("matrix", "bars"), [(6, BARS_601), (5, BARS_601), (1, BARS_709)])
def test_colour_bars_convert_to_their_published_codes(matrix: int, bars: dict[str, tuple[int, int, int]]) -> None:
    format = FrameFormat(1, 1, PIXEL_FORMATS["yuv444p"], Colour(matrix, False))
    for name, codes in bars.items():
        planes = format.split(np.zeros(3, np.uint8))
        from_rgb(np.array(RGB[name], float).reshape(3, 1, 1), format, planes)
        assert tuple(int(plane[0, 0]) for plane in planes) == codes, name


@pytest.mark.parametrize("matrix", sorted(LUMA_WEIGHTS))
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_a_round_trip_is_exact_for_every_matrix_range_and_depth(matrix: int, full_range: bool, depth: int) -> None:
    pixel = next(f for f in PIXEL_FORMATS.values() if f.depth == depth and f.name.startswith("yuv444p"))
    format = FrameFormat(64, 64, pixel, Colour(matrix, full_range))
    original = format.split(np.zeros(format.bytes, np.uint8))
    for index, plane in enumerate(original):
        plane[:] = np.random.default_rng(index).integers(0, 1 << depth, plane.shape)
    rgb = np.empty((3, 64, 64))
    to_rgb(original, format, rgb)
    back = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(rgb, format, back)
    for a, b in zip(original, back, strict=True):
        assert (a == b).all()


def test_limited_range_black_and_white_are_0_and_1() -> None:
    numbers = conversion(Colour(1, False), PIXEL_FORMATS["yuv420p"])
    assert 16 * numbers.luma_gain + numbers.luma_bias == pytest.approx(0)
    assert 235 * numbers.luma_gain + numbers.luma_bias == pytest.approx(1)


def test_a_matrix_that_is_not_linear_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="bt2020c is not supported; bt709,"):
        conversion(Colour(10, False), PIXEL_FORMATS["yuv420p"])


def test_rgb_samples_ignore_matrix_and_range() -> None:
    numbers = [conversion(Colour(m, full), PIXEL_FORMATS["gbrp10le"]) for m in (0, 1, 10) for full in (False, True)]
    assert set(numbers) == {numbers[0]}
    assert (1023 * numbers[0].luma_gain, numbers[0].luma_bias) == (1, 0)

"""PSNR, SSIM and flicker of frames against their originals."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.diagnostics.comparison.quality_meter import BORDER, QualityMeter, ssim

NOISE = np.random.default_rng(5)


def grey(value: int, size: tuple[int, int] = (32, 40)) -> NDArray[np.uint8]:
    return np.full((*size, 3), value, np.uint8)


def measured(*pairs: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> QualityMeter:
    meter = QualityMeter()
    for index, (image, original) in enumerate(pairs):
        meter.add(index, index / 25, image, original)
    return meter


def test_equal_frames_have_infinite_psnr_full_ssim_and_no_flicker() -> None:
    image = NOISE.integers(0, 256, (32, 40, 3), np.uint8)
    meter = measured((image, image), (image, image))
    assert (meter.psnr, meter.ssim, meter.flicker) == (math.inf, 1.0, 0.0)


def test_psnr_is_that_of_luma_in_limited_range() -> None:
    level = 219 / 255  # of luma for one level of grey
    meter = measured((grey(110), grey(100)))
    assert meter.psnr == pytest.approx(20 * math.log10(255 / (10 * level)), abs=1e-3)


def test_psnr_over_frames_is_that_of_their_mean_squared_error() -> None:
    meter = measured((grey(100), grey(100)), (grey(110), grey(100)))
    assert meter.frames[0].psnr == math.inf
    assert meter.psnr == pytest.approx(meter.frames[1].psnr + 10 * math.log10(2))


def test_psnr_leaves_out_the_border() -> None:
    image = grey(100)
    image[:BORDER] = image[:, -BORDER:] = 0
    assert measured((image, grey(100))).psnr == math.inf


def test_an_error_that_stays_the_same_is_no_flicker() -> None:
    meter = measured((grey(110), grey(100)), (grey(60), grey(50)), (grey(60), grey(50)))
    assert [frame.flicker for frame in meter.frames] == [None, pytest.approx(0), pytest.approx(0)]


def test_flicker_is_the_difference_of_the_changes() -> None:
    meter = measured((grey(100), grey(100)), (grey(110), grey(100)), (grey(100), grey(100)))
    assert meter.flicker == pytest.approx(10 * 219 / 255, rel=1e-3)


def test_flicker_is_measured_between_consecutive_frames_only() -> None:
    meter = QualityMeter()
    for index, value in ((0, 100), (2, 110), (3, 110)):
        meter.add(index, index / 25, grey(value), grey(100))
    assert [frame.flicker for frame in meter.frames] == [None, None, pytest.approx(0)]


def test_without_a_frame_there_are_no_figures() -> None:
    meter = QualityMeter()
    assert (meter.psnr, meter.ssim, meter.flicker, meter.frames) == (None, None, None, [])


def test_ssim_falls_with_noise() -> None:
    plane = NOISE.integers(0, 256, (64, 64), np.uint8)
    values = [ssim(plane, np.clip(plane + NOISE.normal(0, s, plane.shape), 0, 255).astype(np.uint8)) for s in (5, 40)]
    assert values[0] is not None
    assert values[1] is not None
    assert 1 > values[0] > values[1] > 0


def test_ssim_agrees_with_its_definition_in_windows_of_eight_pixels() -> None:
    """The mean over windows in steps of four, with the constants of the paper, (0.01 L)^2 and (0.03 L)^2."""
    a = NOISE.integers(0, 256, (24, 32), np.uint8)
    b = np.clip(a + NOISE.normal(0, 25, a.shape), 0, 255).astype(np.uint8)
    found = []
    for top in range(0, a.shape[0] - 7, 4):
        for left in range(0, a.shape[1] - 7, 4):
            x, y = (plane[top : top + 8, left : left + 8].astype(np.float64).ravel() for plane in (a, b))
            (vx, cov), (_, vy) = np.cov(x, y)
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            mx, my = x.mean(), y.mean()
            found.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    assert ssim(a, b) == pytest.approx(np.mean(found), abs=2e-3)


def test_planes_below_eight_pixels_have_no_ssim() -> None:
    assert ssim(np.zeros((7, 40), np.uint8), np.zeros((7, 40), np.uint8)) is None
    tiny = grey(3, (1, 1))
    assert measured((tiny, tiny)).frames[0].psnr == math.inf

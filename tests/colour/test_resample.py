"""Antialiased bicubic resampling."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.colour.psnr import luma, psnr
from pipeline.colour.resample import bicubic, resample_axis
from pipeline.diagnostics.quality import to_8_bit


def test_a_ramp_is_resampled_exactly() -> None:
    ramp = np.arange(40.0)[:, None] * np.ones((1, 8))
    np.testing.assert_allclose(bicubic(ramp, 80, 8)[8:-8, 0], (np.arange(8, 72) + 0.5) / 2 - 0.5)


def test_shrinking_averages_fine_stripes() -> None:
    stripes = np.tile([[0.0], [1.0]], (40, 8))
    np.testing.assert_allclose(bicubic(stripes, 20, 8)[4:-4], 0.5, atol=0.01)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [-0.25, 0.0, 0.25])
def test_a_shifted_grid_samples_between_the_pixels(axis: int, shift: float) -> None:
    ramp = np.arange(30.0)[:, None] if axis == 0 else np.arange(30.0)[None]
    places = (np.arange(45) + 0.5) / 1.5 - 0.5 + shift
    np.testing.assert_allclose(resample_axis(ramp, 45, axis, 1 / 1.5, shift).ravel()[6:-6], places[6:-6])


def test_resampling_to_the_same_size_changes_nothing() -> None:
    image = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(bicubic(image, 5, 7), image)


def test_bicubic_reproduces_the_published_psnr_of_set5() -> None:
    folder = Path(os.environ.get("UPREZ_TEST_SET5", "-"))
    if not folder.is_dir():
        pytest.skip("no Set5: set UPREZ_TEST_SET5 to its folder")
    scores = []
    for path in sorted(folder.glob("*.png")):
        decoded = cv2.imread(str(path))
        assert decoded is not None
        image = decoded[..., ::-1]
        height, width = (n // 2 * 2 for n in image.shape[:2])
        truth = image[:height, :width]
        small = to_8_bit(bicubic(truth.astype(float), height // 2, width // 2))
        scores.append(psnr(luma(to_8_bit(bicubic(small.astype(float), height, width))), luma(truth), border=2))
    assert np.mean(scores) == pytest.approx(33.68, abs=0.01)

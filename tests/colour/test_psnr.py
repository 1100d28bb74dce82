"""PSNR, and the luma that it is published on."""

import numpy as np
import pytest

from pipeline.colour.psnr import luma, psnr, psnr_of_error


def test_psnr_of_a_known_error_is_exact() -> None:
    a = np.zeros((8, 8))
    assert psnr(a, a + 255) == pytest.approx(0)
    assert psnr(a, a + 2.55) == pytest.approx(40)
    assert psnr(a, a + 0.01, peak=1) == pytest.approx(40)
    assert psnr_of_error(1e-4, peak=1) == pytest.approx(40)


def test_psnr_of_equal_arrays_is_infinite() -> None:
    assert psnr(np.ones((2, 3, 4)), np.ones((2, 3, 4))) == float("inf")


def test_psnr_leaves_out_the_border() -> None:
    a = np.zeros((6, 6, 3))
    b = a.copy()
    b[0], b[-1], b[:, 0], b[:, -1] = 255, 255, 255, 255
    assert psnr(a, b, border=1) == float("inf")
    assert psnr(a, b) < 10


def test_psnr_of_unsigned_integers_does_not_wrap_around() -> None:
    assert psnr(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)) == pytest.approx(0)


def test_psnr_refuses_arrays_of_different_shapes() -> None:
    with pytest.raises(ValueError, match="the shapes must be the same"):
        psnr(np.zeros((2, 2)), np.zeros((3, 3)))


def test_luma_of_black_and_white_is_16_and_235() -> None:
    for peak, dtype in ((255, np.uint8), (1, np.float32)):
        image = np.array([[[0, 0, 0], [peak, peak, peak]]], dtype)
        np.testing.assert_allclose(luma(image, peak), [[16, 235]], atol=1e-3)

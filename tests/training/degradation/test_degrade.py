"""Pairs of a degraded small frame and its large one."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.colour.psnr import luma
from pipeline.colour.resample import bicubic
from tests.training.pictures import scene
from training.degradation.colour import to_image, to_planes
from training.degradation.degrade import degraded_pair, gaussian, halved
from training.degradation.recipe import Degradation, Encoding, Motion

# Pale colours: 4:2:0 takes saturated ones beyond R'G'B', where they are clamped.
PICTURE = (
    np.uint8(95) + scene(2, (400, 500)) // np.uint8(4) + scene(2, (400, 500)).max(axis=2, keepdims=True) // np.uint8(4)
)
MOVING = Motion((1.3, -0.8), 0.002, 5, 2)


def pair(degradation: Degradation, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Luma of a pair, 96 x 128 and 192 x 256."""
    small, large = degraded_pair(PICTURE, (60, 80), (96, 128), degradation, np.random.default_rng(seed))
    assert small.shape == (3, 96, 128)
    assert large.shape == (3, 192, 256)
    return luma(small.transpose(1, 2, 0)), luma(large.transpose(1, 2, 0))


def box(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).mean(axis=(1, 3)), np.float64)


def shift(image: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how many pixels (y, x) an image is displaced, by the gradient of its reference (Lucas and Kanade, 1981)."""
    gradient = np.stack([axis[4:-4, 4:-4].ravel() for axis in np.asarray(np.gradient(reference))], axis=1)
    difference = (image - reference)[4:-4, 4:-4].ravel()
    return np.asarray(np.linalg.solve(gradient.T @ gradient, -gradient.T @ difference), np.float64)


def test_large_frame_is_the_picture_after_the_colour_path() -> None:
    _, large = degraded_pair(PICTURE, (60, 80), (96, 128), Degradation(MOVING), np.random.default_rng(1))
    crop = PICTURE[60:252, 80:336].transpose(2, 0, 1).astype(np.float32)
    assert np.array_equal(large, to_image(to_planes(crop, 1), 1))


def test_small_frame_of_an_undegraded_stack_is_the_halved_large_one_to_rounding() -> None:
    small, large = pair(Degradation(MOVING, resampler="AREA"))
    # Both sides are rounded twice, as samples and as R'G'B', and swscale rounds less exactly.
    assert np.abs(small - box(large)).max() < 4
    assert np.square(small - box(large)).mean() < 0.6


def test_bicubic_stack_agrees_with_antialiased_bicubic() -> None:
    small, large = pair(Degradation(MOVING))
    # swscale's default bicubic has other coefficients (B = 0, C = 0.6).
    assert np.abs(small - np.clip(bicubic(large, 96, 128), 16, 235)).mean() < 2


@pytest.mark.parametrize("resampler", ["BICUBIC", "AREA", "LANCZOS", "BILINEAR", "SPLINE", "GAUSS"])
def test_no_filter_displaces_the_frame(resampler: str) -> None:
    small, large = pair(Degradation(MOVING, resampler=resampler))
    assert np.abs(shift(small, box(large))).max() < 0.02


@pytest.mark.parametrize(
    "encoding",
    [Encoding("libx264", 23, "medium"), Encoding("libx265", 23, "fast"), Encoding("libsvtav1", 25, "8")]
    + [Encoding("mpeg2video", 3)],
    ids=str,
)
def test_decoded_frame_is_that_of_the_same_moment(encoding: Encoding) -> None:
    fast = Degradation(Motion((8.0, 5.0), 0.0, 7, 3), resampler="AREA", encoding=encoding)
    small, large = pair(fast)
    assert np.abs(shift(small, box(large))).max() < 0.05
    assert np.square(small - box(large)).mean() < 60  # a frame earlier or later has over 1000


@pytest.mark.parametrize("matrix", [1, 6])
def test_chroma_is_aligned_as_well(matrix: int) -> None:
    degradation = Degradation(MOVING, matrix=matrix, resampler="AREA")
    small, large = degraded_pair(PICTURE, (60, 80), (96, 128), degradation, np.random.default_rng(1))
    for a, b in zip(small.astype(float), large.astype(float), strict=True):
        assert np.abs(shift(a, box(b))).max() < 0.05


def test_noise_has_the_requested_deviation() -> None:
    clean = pair(Degradation())[0]
    noisy = pair(Degradation(noise=4.0))[0]
    grainy = pair(Degradation(noise=4.0, grain=0.8))[0]
    inner = clean < 210
    assert np.std((noisy - clean)[inner]) == pytest.approx(4, rel=0.15)
    assert np.std((grainy - clean)[inner]) == pytest.approx(4, rel=0.3)


def test_grain_is_correlated_and_white_noise_is_not() -> None:
    def correlation(grain: float) -> float:
        noise = pair(Degradation(noise=4.0, grain=grain))[0] - pair(Degradation())[0]
        return float(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1])

    assert abs(correlation(0.0)) < 0.1
    assert correlation(0.9) > 0.5


def test_noise_differs_from_frame_to_frame_and_between_generators() -> None:
    assert not np.array_equal(pair(Degradation(noise=3.0), seed=1)[0], pair(Degradation(noise=3.0), seed=2)[0])


def test_blur_lowers_and_sharpening_raises_contrast_at_edges() -> None:
    plain = Degradation()
    steepness = [
        np.abs(np.diff(pair(each)[0], axis=1)).mean()
        for each in (replace(plain, blur=0.8), plain, replace(plain, sharpening=1.0))
    ]
    assert steepness[0] < 0.9 * steepness[1] < steepness[1] < 0.9 * steepness[2]


def test_gaussian_keeps_the_mean_and_has_its_deviation() -> None:
    point = np.zeros((31, 31), np.float32)
    point[15, 15] = 1
    smooth = gaussian(point, 1.5)
    distance = np.square(np.arange(31) - 15)
    assert smooth.sum() == pytest.approx(1, abs=1e-5)
    assert (smooth.sum(axis=0) * distance).sum() == pytest.approx(1.5**2, rel=0.03)


def test_halving_keeps_flat_colours() -> None:
    flat = to_planes(np.full((3, 32, 64), 100, np.float32), 1)
    for plane, small in zip(flat, halved(flat, "BICUBIC"), strict=True):
        assert small.shape == (plane.shape[0] // 2, plane.shape[1] // 2)
        assert (small == plane[0, 0]).all()

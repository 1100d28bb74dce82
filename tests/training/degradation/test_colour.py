"""The colour path of pairs."""

import numpy as np
import pytest

from pipeline.colour.convert import to_rgb
from tests.training.pictures import scene
from training.degradation.colour import frame_format, to_image, to_planes


@pytest.mark.parametrize("matrix", [1, 6])
def test_gray_levels_return_to_within_one(matrix: int) -> None:
    ramp = np.broadcast_to(np.arange(256, dtype=np.float32)[None, None, :], (3, 4, 256))
    assert np.abs(to_image(to_planes(ramp, matrix), matrix) - ramp).max() <= 1


@pytest.mark.parametrize("matrix", [1, 6])
def test_planes_are_of_limited_range(matrix: int) -> None:
    extremes = np.zeros((3, 2, 4), np.float32)
    extremes[:, :, 2:] = 255
    assert to_planes(extremes, matrix)[0].tolist() == [[16, 16, 235, 235]] * 2


def test_images_are_those_that_the_upscaler_computes_from_the_same_planes() -> None:
    planes = to_planes(scene(1, (48, 64)).transpose(2, 0, 1).astype(np.float32), 6)
    exact = np.empty((3, 48, 64))
    to_rgb(planes, frame_format(64, 48, 6), exact, scale=255)
    assert np.abs(to_image(planes, 6) - np.clip(exact, 0, 255)).max() < 0.501

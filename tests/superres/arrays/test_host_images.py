"""NumPy images from and to the planes of a frame."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.superres.arrays.host_images import host_format, merge_image, split_image
from tests.images import random_image

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
    lambda size: st.sampled_from([size, *((*size, channels) for channels in (1, 3, 4))])
)


@given(SHAPES, st.sampled_from([np.uint8, np.uint16]), st.sampled_from(["rgb", "bgr"]), st.integers(0, 99))
def test_an_image_is_the_same_after_it_was_split_and_merged(shape: Any, dtype: Any, order: str, seed: int) -> None:
    image = random_image(shape, dtype, seed)
    merged = np.zeros_like(image)
    merge_image(split_image(image, order), order, merged)
    np.testing.assert_array_equal(merged, image)


@given(SHAPES, st.sampled_from([np.uint8, np.uint16]))
def test_the_planes_of_an_image_have_the_shape_of_its_format(shape: Any, dtype: Any) -> None:
    image = random_image(shape, dtype)
    planes = split_image(image, "rgb")
    assert tuple(plane.shape for plane in planes) == host_format(image).plane_shapes
    assert {plane.dtype for plane in planes} == {host_format(image).pixel.dtype}


@pytest.mark.parametrize(("order", "green", "blue", "red"), [("rgb", 1, 2, 0), ("bgr", 1, 0, 2)])
def test_planes_are_green_blue_red_and_alpha(order: str, green: int, blue: int, red: int) -> None:
    image = random_image((5, 6, 4))
    for plane, channel in zip(split_image(image, order), (green, blue, red, 3), strict=True):
        np.testing.assert_array_equal(plane, image[..., channel])


def test_images_that_are_not_contiguous_or_not_writable_are_read() -> None:
    image = random_image((6, 8, 3))[::2, ::-1, ::-1]
    image.flags.writeable = False
    for plane, channel in zip(split_image(image, "rgb"), (1, 2, 0), strict=True):
        np.testing.assert_array_equal(plane, image[..., channel])


@pytest.mark.parametrize("rows", [720, 721, 1])
def test_bands_of_a_large_image_are_merged_in_threads(rows: int) -> None:
    image = random_image((rows, 2**19 // min(rows, 720), 3))
    merged = np.zeros_like(image)
    with ThreadPoolExecutor(4) as threads:
        merge_image(split_image(image, "bgr"), "bgr", merged, threads.map)
    np.testing.assert_array_equal(merged, image)


@pytest.mark.parametrize("shape", [(), (3,), (4, 5, 2), (4, 5, 5), (3, 16, 32), (1, 4, 5, 3)])
def test_other_shapes_are_refused_with_those_that_are_supported(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"shape \(.*\(H, W, 3\) and \(H, W, 4\) are supported"):
        host_format(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", ["float32", "int16", ">u2", "bool"])
def test_other_types_are_refused_with_those_that_are_supported(dtype: str) -> None:
    with pytest.raises(InputError, match=r"the image is of .*; uint8 \(0\.\.255\) and uint16"):
        host_format(np.zeros((4, 5, 3), dtype))


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="the image is 5x0; it should have a pixel at least"):
        host_format(np.zeros((0, 5, 3), np.uint8))

"""The images on which networks are tried."""

import numpy as np
import pytest

from pipeline.models.importing import images


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(33, 34), (64, 192), (264, 260)])
def test_images_have_the_requested_shape_and_are_in_0_to_1(channels: int, size: tuple[int, int]) -> None:
    for image in (images.ramp(*size, channels), images.photograph(*size, channels)):
        assert image.shape == (channels, *size)
        assert image.dtype == np.float32
        assert 0 <= image.min() < image.max() <= 1


def test_a_photograph_is_the_same_each_time() -> None:
    np.testing.assert_array_equal(images.photograph(40, 44, 3), images.photograph(40, 44, 3))


def test_the_channels_of_a_photograph_differ() -> None:
    red, green, blue = images.photograph(64, 64, 3)
    assert min(np.abs(red - green).mean(), np.abs(red - blue).mean(), np.abs(green - blue).mean()) > 0.1


def test_a_card_has_a_patch_of_each_colour() -> None:
    for channels in (1, 3):
        card, side = images.colour_card(channels), images.PATCH
        assert card.shape == (channels, 2 * side, 3 * side)
        found = [tuple(card[:, row * side + 3, column * side + 3]) for row in range(2) for column in range(3)]
        np.testing.assert_allclose(found, images.flat_colours(channels))


def test_reducing_takes_means() -> None:
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    np.testing.assert_allclose(images.reduced(image, 2), [[[2.5, 4.5], [10.5, 12.5]]])
    np.testing.assert_array_equal(images.reduced(image, 1), image)

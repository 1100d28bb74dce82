"""Colours of drawings."""

import numpy as np

from training.drawings.palette import contrasting, hsv, mixed, related


def test_hue_saturation_and_value_give_the_known_colours() -> None:
    assert hsv(0, 1, 1) == (255, 0, 0)
    assert hsv(1 / 3, 1, 1) == (0, 255, 0)
    assert hsv(0.4, 0, 0.5) == (128, 128, 128)


def test_mixed_colour_is_between_both() -> None:
    assert mixed((0, 100, 200), (100, 200, 0), 0.5) == (50, 150, 100)


def test_contrasting_colours_are_far_apart_in_brightness() -> None:
    for seed in range(40):
        a, b = contrasting(np.random.default_rng(seed))
        assert abs(sum(a) - sum(b)) > 150


def test_related_colours_are_as_many_as_requested() -> None:
    assert len(related(np.random.default_rng(1), 5)) == 5

"""Drawings of all kinds."""

from collections import Counter

import numpy as np
import pytest

from training.drawings.catalogue import KINDS, SHARES, draw, plan
from training.texture import texture

SIZE = (160, 128)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_draw_equal_pictures_and_others_do_not(kind: str) -> None:
    first = draw(kind, 3, SIZE)
    assert np.array_equal(first, draw(kind, 3, SIZE))
    assert not np.array_equal(first, draw(kind, 4, SIZE))


@pytest.mark.parametrize("kind", KINDS)
def test_drawings_have_the_requested_size_and_are_not_flat(kind: str) -> None:
    pictures = [draw(kind, seed, SIZE) for seed in range(5)]
    assert all(picture.shape == (128, 160, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert np.mean([texture(picture) for picture in pictures]) > 3


def test_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no drawing is called photo; choose one of cel, chart"):
        draw("photo", 1)


def test_every_kind_has_its_share_of_a_plan() -> None:
    assert sorted(SHARES) == sorted(KINDS)
    total = sum(SHARES.values())
    assert Counter(kind for kind, _ in plan(2 * total)) == {kind: 2 * share for kind, share in SHARES.items()}


def test_no_drawing_is_planned_twice_and_longer_plans_begin_like_shorter_ones() -> None:
    assert len(set(plan(100))) == 100
    assert plan(100)[:30] == plan(30)

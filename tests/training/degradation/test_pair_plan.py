"""The clips of a set and the patches cut from them."""

import numpy as np
import pytest

from tests.training.pictures import scene
from training.degradation.pair_plan import PairPlan, make_clip

PICTURES = [scene(1, (200, 260)), scene(2, (160, 330))]


def test_slots_cover_the_set_once() -> None:
    plan = PairPlan(count=20, side=64, seed=1)
    assert plan.clips == 4
    assert [slot for clip in range(plan.clips) for slot in plan.slots(clip)] == list(range(20))


def test_clip_depends_on_seed_and_number_alone() -> None:
    plan = PairPlan(count=20, side=64, seed=1)
    low, high = make_clip(PICTURES, plan, 2)
    assert low.shape == (6, 3, 64, 64)
    assert high.shape == (6, 3, 128, 128)
    again = make_clip(PICTURES, PairPlan(count=500, side=64, seed=1), 2)
    assert np.array_equal(low, again[0])
    assert np.array_equal(high, again[1])
    assert not np.array_equal(low, make_clip(PICTURES, plan, 3)[0])
    assert not np.array_equal(low, make_clip(PICTURES, PairPlan(count=20, side=64, seed=2), 2)[0])


def test_patches_of_a_pair_show_the_same_part() -> None:
    plan = PairPlan(count=60, side=64, seed=1)
    for clip in range(4):
        for low, high in zip(*make_clip(PICTURES, plan, clip), strict=True):
            small = high.reshape(3, 64, 2, 64, 2).mean(axis=(2, 4))
            assert np.corrcoef(low.ravel(), small.ravel())[0, 1] > 0.9


def test_patches_as_large_as_the_picture_are_allowed() -> None:
    low, _ = make_clip([scene(1, (128, 128))], PairPlan(count=6, side=64, seed=1), 0)
    assert low.shape == (6, 3, 64, 64)


@pytest.mark.parametrize("side", [15, 14, 65, 194])
def test_side_that_no_clip_has_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match=f"side is {side}; should be even and 16 to 192"):
        PairPlan(count=6, side=side, seed=1)

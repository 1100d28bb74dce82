"""Learning rates follow the recipe's steps."""

import numpy as np
import pytest

from tests.training.recipes import PHASE, small_recipe
from training.schedule import learning_rates, phase_ends

TWO_PHASES = [PHASE | {"steps": 100, "rise": 10}, PHASE | {"steps": 20, "rate": 2e-4, "last_rate": 1e-6}]


def test_each_phase_rises_and_then_falls_to_its_last_rate() -> None:
    rates = learning_rates(small_recipe(phases=TWO_PHASES))
    assert len(rates) == 120
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 11 * 1e-3)
    assert rates[10] == pytest.approx(1e-3)
    assert (np.diff(rates[10:100]) < 0).all()
    assert rates[[99, 100, 119]] == pytest.approx([1e-4, 2e-4, 1e-6])


def test_phases_end_where_the_next_one_starts() -> None:
    assert phase_ends(small_recipe(phases=TWO_PHASES)) == [100, 120]

"""The learning rate of each step, and the phase it belongs to."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from training.recipe import PhaseRecipe, Recipe


def learning_rates(recipe: Recipe) -> NDArray[np.float32]:
    """The learning rate of each step, (steps,)."""
    return np.array([_rate(phase, step) for phase in recipe.phases for step in range(phase.steps)], np.float32)


def _rate(phase: PhaseRecipe, step: int) -> float:
    """A linear rise, then half a cosine from the first to the last rate, which the last step has."""
    if step < phase.rise:
        return phase.rate * (step + 1) / (phase.rise + 1)
    done = (step - phase.rise) / max(phase.steps - phase.rise - 1, 1)
    return phase.last_rate + (phase.rate - phase.last_rate) * (1 + math.cos(math.pi * done)) / 2


def phase_ends(recipe: Recipe) -> list[int]:
    """The number of steps after which each phase ends."""
    return list(itertools.accumulate(phase.steps for phase in recipe.phases))

"""Small recipes for tests of training."""

from __future__ import annotations

from typing import Any

from training.recipe import Recipe

NETWORK = {"kind": "plain", "features": 8, "layers": 1}
PHASE = {"steps": 40, "batch": 2, "patch": 16, "rate": 1e-3, "last_rate": 1e-4, "precision": "fp32"}
CARD = {"purpose": "tests training", "suited": "tests", "unsuited": "anything else"}


def small_recipe(**changes: Any) -> Recipe:
    """A recipe of forty steps; `changes` replace its tables."""
    tables: dict[str, Any] = {
        "name": "small-x2",
        "validate_every": 20,
        "network": NETWORK,
        "patches": {"sizes": [1.0, 0.5]},
        "phases": [PHASE],
        "card": CARD,
    }
    return Recipe.model_validate(tables | changes)

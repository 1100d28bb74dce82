"""Recipes are read, and have a hash of what determines the network."""

from pathlib import Path

import pytest

from tests.training.recipes import CARD, PHASE, small_recipe
from training.recipe import load_recipe

RECIPES = sorted((Path(__file__).parents[2] / "training/recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_are_valid_and_named_like_their_network(path: Path) -> None:
    assert load_recipe(path).name == path.stem


def test_the_hash_depends_on_every_table_but_the_texts_of_the_card() -> None:
    hashes = [
        small_recipe(**changes).hash
        for changes in (
            {},
            {"seed": 2},
            {"patches": {"uniform": 0.5}},
            {"phases": [PHASE | {"batch": 4}]},
            {"network": {"kind": "plain", "features": 16, "layers": 1}},
        )
    ]
    assert len(set(hashes)) == len(hashes)
    assert small_recipe(card=CARD | {"suited": "everything"}).hash == hashes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phases": [PHASE | {"rgb": 0, "luma": 0}]}, "rgb, luma and fourier are all 0"),
        ({"phases": [PHASE | {"rise": 40}]}, "rise is 40, should be less than steps, 40"),
        ({"network": {"kind": "gated", "features": 8, "layers": 1, "skip": 2}}, "skip is 2, but only plain networks"),
        ({"teacher": {"name": "larger", "licence": "CC0-1.0"}}, "go together; add or remove one"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_recipe(**changes)

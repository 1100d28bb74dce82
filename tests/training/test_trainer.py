"""A run trains, and continues after a cut as if there had been none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.training.recipes import PHASE, small_recipe
from training.pack import read_pack
from training.recipe import Recipe

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own

TWO_PHASES = [PHASE, PHASE | {"steps": 20, "batch": 1, "patch": 24, "loss": "mse", "precision": "bf16"}]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums depend on the number of threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def trainer(pack_parts: list[Path]) -> Callable[..., Any]:
    """Makes a trainer of a recipe in a folder; a new one continues the run."""
    import torch

    from training.checkpoint import Origin
    from training.picture_store import store_pictures
    from training.trainer import Materials, Trainer
    from training.validation import Validation

    pack = read_pack(pack_parts, threads=1)

    def make(recipe: Recipe, folder: Path, data: str = pack.hash, save_every: float = 20) -> Any:
        cpu, scale = torch.device("cpu"), recipe.network.scale
        store = store_pictures([p for p in pack.pictures if p.split == "train"], recipe.patches, scale, cpu)
        validation = Validation([p for p in pack.pictures if p.split == "held"], scale, cpu)
        materials = Materials(recipe, store, validation, Origin(recipe.hash, data, ""))
        return Trainer(materials, folder, save_every)

    return make


def never() -> bool:
    return False


def after(checks: int) -> Callable[[], bool]:
    """A deadline that passes after so many checks."""
    left = iter(range(checks))
    return lambda: next(left, None) is None


def validations(trainer: Any) -> list[dict[str, Any]]:
    lines = [line for line in trainer.journal.lines if line["event"] == "validation"]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.mark.parametrize("branches", ["none", "expanded"])
def test_a_run_that_is_cut_gives_the_weights_of_one_that_is_not(
    trainer: Callable[..., Any], tmp_path: Path, branches: str
) -> None:
    import torch

    network = {"kind": "plain", "features": 8, "layers": 1, "branches": branches}
    recipe = small_recipe(network=network, phases=TWO_PHASES, patches={"permuted": 0.5, "drawn": 0.25})
    (tmp_path / "unbroken").mkdir()
    unbroken = trainer(recipe, tmp_path / "unbroken")
    unbroken.run(never)
    steps = []
    for checks in (2, 3, 4, 100):
        cut = trainer(recipe, tmp_path)
        cut.run(after(checks))
        steps.append(cut.step)
    assert steps == sorted(set(steps)), "each part goes on where the last one ended"
    assert cut.is_finished
    expected = unbroken.state.tensors()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in cut.state.tensors().items())
    assert validations(cut) == validations(unbroken)


def test_a_process_that_dies_loses_only_the_steps_since_the_last_checkpoint(
    trainer: Callable[..., Any], tmp_path: Path
) -> None:
    import torch

    recipe = small_recipe()
    died = trainer(recipe, tmp_path, save_every=0)
    checks = iter(range(4))

    def die() -> bool:
        if next(checks, None) is None:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        died.run(die)
    continued = trainer(recipe, tmp_path)
    assert continued.step == died.step > 0
    continued.run(never)
    (tmp_path / "unbroken").mkdir()
    unbroken = trainer(recipe, tmp_path / "unbroken")
    unbroken.run(never)
    expected = unbroken.state.tensors()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in continued.state.tensors().items())


def test_the_loss_falls_and_the_scores_of_held_out_pictures_rise(trainer: Callable[..., Any], tmp_path: Path) -> None:
    phase = PHASE | {"steps": 400, "batch": 4, "patch": 24, "rate": 3e-3}
    run = trainer(small_recipe(average=0.95, validate_every=100, phases=[phase]), tmp_path)
    run.run(never)
    bicubic = run.journal.lines[0]["scores"]
    first, *_, last = validations(run)
    assert last["loss"] < first["loss"]
    assert bicubic.keys() == last["average"].keys() == {"photo", "drawn"}
    assert all(last["average"][kind] > first["average"][kind] for kind in bicubic)


def test_a_checkpoint_of_another_recipe_is_refused(trainer: Callable[..., Any], tmp_path: Path) -> None:
    trainer(small_recipe(), tmp_path).run(after(1))
    with pytest.raises(ValueError, match=r"has recipe \w{12}, this run has \w{12}; use another --out, or delete it"):
        trainer(small_recipe(seed=2), tmp_path)


def test_a_checkpoint_of_other_data_is_refused(trainer: Callable[..., Any], tmp_path: Path) -> None:
    trainer(small_recipe(), tmp_path).run(after(1))
    with pytest.raises(ValueError, match="has data"):
        trainer(small_recipe(), tmp_path, data="0" * 64)


def test_a_loss_that_is_not_finite_ends_the_run_and_leaves_the_last_checkpoint(
    trainer: Callable[..., Any], tmp_path: Path
) -> None:
    run = trainer(small_recipe(phases=[PHASE | {"rate": 1e30, "last_rate": 1e30}]), tmp_path)
    with pytest.raises(FloatingPointError, match="the loss is not finite at step"):
        run.run(never)
    assert not (tmp_path / "checkpoint.pt").exists()

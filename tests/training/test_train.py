"""The command trains, continues, and leaves models, a curve and a card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*:Warning")  # PyTorch's own

RECIPE = """
name = "small-x2"
validate_every = 20
average = 0.9
network = {kind = "plain", features = 8, layers = 1}
phases = [{steps = 40, batch = 2, patch = 16, rate = 1e-3, last_rate = 1e-4}]
card = {purpose = "tests training", suited = "tests", unsuited = "anything else"}
"""
TAUGHT = RECIPE.replace("last_rate = 1e-4", "last_rate = 1e-4, teacher = 0.5") + (
    'teacher = {name = "small-x2", licence = "CC0-1.0"}\n'
)


def train(folder: Path, parts: list[Path], *arguments: object, recipe: str = RECIPE) -> int:
    from training.train import main

    path = folder / "recipe.toml"
    path.write_text(recipe)
    data = [str(part) for part in parts]
    out = str(folder / "run")
    return main([str(path), "--data", *data, "--out", out, "--device", "cpu", *map(str, arguments)])


def test_the_command_leaves_models_and_a_card(tmp_path: Path, pack_parts: list[Path]) -> None:
    assert train(tmp_path, pack_parts) == 0
    names = {path.name for path in (tmp_path / "run").iterdir()} - {"curve.svg"}
    assert names == {"checkpoint.pt", "log.jsonl", "small-x2.fp16.onnx", "small-x2.fp32.onnx", "small-x2.md"}
    card = (tmp_path / "run/small-x2.md").read_text()
    assert "3 3x3 convolutions of 8 features with PReLU" in card
    assert "1 drawn (held), 1 photo (held), 1 drawn (train), 2 photo (train); licences: CC0-1.0 (5)" in card
    assert "40 of 40 steps" in card


def test_the_models_are_read_by_the_package(tmp_path: Path, pack_parts: list[Path]) -> None:
    from pipeline.models.inspection import inspect_model

    train(tmp_path, pack_parts)
    spec = inspect_model(tmp_path / "run/small-x2.fp16.onnx")
    assert (spec.name, spec.scale, spec.dtype) == ("small-x2", 2, np.dtype(np.float16))


def test_a_call_ends_after_its_seconds_and_the_next_one_continues(tmp_path: Path, pack_parts: list[Path]) -> None:
    assert train(tmp_path, pack_parts, "--seconds", 0) == 0
    assert (tmp_path / "run/checkpoint.pt").exists()
    assert not (tmp_path / "run/small-x2.md").exists()
    assert train(tmp_path, pack_parts) == 0
    assert (tmp_path / "run/small-x2.md").exists()


def test_a_network_learns_from_the_checkpoint_or_the_model_of_another(tmp_path: Path, pack_parts: list[Path]) -> None:
    train(tmp_path, pack_parts)
    for number, name in enumerate(("checkpoint.pt", "small-x2.fp32.onnx")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert train(folder, pack_parts, "--teacher", tmp_path / "run" / name, recipe=TAUGHT) == 0
        assert "| teacher | small-x2, CC0-1.0 |" in (folder / "run/small-x2.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("average", "averages"), "averages: unknown key; remove it"),
        (("= 8", "= 7"), "network.features: Input should be a multiple of 8"),
        (("steps = 40", "steps = 45"), "phases.0.steps: Input should be a multiple of 10"),
        (("1e-4}", "1e-4, teacher = 0.5}"), "a table [teacher] and phases with a share `teacher` go together"),
        (('name = "small', "name = small"), "is not valid TOML"),
        (("patch = 16", "patch = 4000"), "no picture has room for a patch of 4000 pixels; lower `patch`"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(
    tmp_path: Path, pack_parts: list[Path], capsys: pytest.CaptureFixture[str], change: tuple[str, str], message: str
) -> None:
    assert train(tmp_path, pack_parts, recipe=RECIPE.replace(*change)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_recipe_with_a_teacher_requires_one(
    tmp_path: Path, pack_parts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, pack_parts, recipe=TAUGHT) == 2
    assert "requires --teacher" in capsys.readouterr().err


def test_another_teacher_than_the_recipes_is_refused(
    tmp_path: Path, pack_parts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, pack_parts)
    recipe = TAUGHT.replace('"CC0-1.0"}', f'"CC0-1.0", sha256 = "{"0" * 64}"}}')
    assert train(tmp_path, pack_parts, "--teacher", tmp_path / "run/checkpoint.pt", recipe=recipe) == 2
    assert "the recipe requires 000000000000" in capsys.readouterr().err


def test_a_table_compares_runs(tmp_path: Path, pack_parts: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    from training.compare import main

    train(tmp_path, pack_parts)
    capsys.readouterr()
    assert main([str(tmp_path / "run")]) == 0
    header, _, values = capsys.readouterr().out.splitlines()
    columns = dict(zip(header.split(" | "), values.split(" | "), strict=True))
    assert columns["steps"] == "40 of 40"
    assert columns["network"] == "plain 8x1, none"
    assert float(columns["drawn"]) > 0


def test_the_checkpoint_of_a_half_million_parameters_fits_into_fifteen_mebibytes(tmp_path: Path) -> None:
    import torch

    from training.checkpoint import Checkpoint, Origin, save_checkpoint
    from training.recipe import load_recipe
    from training.state import TrainingState

    recipe = load_recipe(Path(__file__).parents[2] / "training/recipes/sharp-x2.toml")
    tensors: dict[str, Any] = TrainingState(recipe, torch.device("cpu")).tensors()
    log = [{"event": "validation", "step": step, "loss": 0.01} for step in range(100)]
    path = save_checkpoint(Checkpoint(Origin("a", "b", ""), recipe.model_dump_json(), 0, 0.0, log, tensors), tmp_path)
    assert path.stat().st_size < 15 * 2**20

"""Train a network by a recipe: `python -m training.train RECIPE.toml --data PACK... --out DIR --seconds 560`.

The same command continues a run that was cut.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import torch

from pipeline.errors import UprezError
from training.checkpoint import Origin
from training.finish import finish
from training.pack import Pack, read_pack
from training.picture_store import Teach, store_pictures
from training.recipe import Recipe, load_recipe
from training.teacher import digest, load_teacher
from training.trainer import Materials, Trainer
from training.validation import Validation


def main(arguments: list[str] | None = None) -> int:
    """Train until the recipe's last step or for --seconds; the exit code."""
    options = _parse(arguments)
    try:
        return _train(options)
    except (UprezError, ValueError, OSError, FloatingPointError) as error:
        print(f"training.train: {error}", file=sys.stderr)
        return 2


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("recipe", type=Path, help="recipe, a TOML file")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="all parts of a pack")
    parser.add_argument("--teacher", type=Path, help="ONNX file or checkpoint.pt, if the recipe has a teacher")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, log, ONNX files and card")
    parser.add_argument("--seconds", type=float, help="end after this time, with a checkpoint; default: never")
    parser.add_argument("--device", help="default: cuda if available")
    return parser.parse_args(arguments)


def _train(options: argparse.Namespace) -> int:
    began = time.monotonic()
    recipe = load_recipe(options.recipe)
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    pack = read_pack(options.data, threads=os.cpu_count() or 1)
    trainer = Trainer(_materials(recipe, pack, options.teacher, device), options.out)
    trainer.journal.write("started", step=trainer.step, device=_name(device), preparation=time.monotonic() - began)
    trainer.run(lambda: options.seconds is not None and time.monotonic() - began >= options.seconds)
    if not trainer.is_finished:
        print(f"cut at step {trainer.step} of {recipe.steps}; the same command continues")
        return 0
    finish(trainer.checkpoint(), pack, options.out)
    return 0


def _materials(recipe: Recipe, pack: Pack, teacher: Path | None, device: torch.device) -> Materials:
    """Copy the pictures to the device, and let the teacher enlarge them."""
    if (recipe.teacher is None) != (teacher is None):
        raise ValueError("a recipe with a table [teacher] requires --teacher, and one without forbids it")
    scale = recipe.network.scale
    teach: Teach | None = None
    if recipe.teacher is not None and teacher is not None:
        teach = load_teacher(teacher, recipe.teacher, scale, device)
    training = [picture for picture in pack.pictures if picture.split == "train"]
    held_out = [picture for picture in pack.pictures if picture.split == "held"]
    origin = Origin(recipe.hash, pack.hash, digest(teacher) if teacher else "")
    store = store_pictures(training, recipe.patches, scale, device, teach)
    return Materials(recipe, store, Validation(held_out, scale, device), origin)


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    sys.exit(main())

"""Checkpoints: one file from which a run that was cut continues as if it had not been."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

NAME = "checkpoint.pt"
_VERSION = 2


@dataclass(frozen=True)
class Origin:
    """What a run depends on. A checkpoint continues only a run of the same origin.

    Attributes:
        recipe: Hash of the recipe.
        data: Hash of the pack.
        teacher: SHA-256 of the teacher's file; "" without a teacher.
    """

    recipe: str
    data: str
    teacher: str


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a run.

    The random integers of a step depend on the seed and the step, so no generator has a state to be saved.

    Attributes:
        origin: What the run depends on.
        recipe: The recipe, JSON.
        step: Number of steps taken.
        seconds: Time that they took, in all calls.
        log: Lines of the log.
        tensors: Those of `TrainingState.tensors`, on the CPU.
    """

    origin: Origin
    recipe: str
    step: int
    seconds: float
    log: list[dict[str, Any]]
    tensors: dict[str, Tensor]


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write the file so that there is always a complete one, whenever the process ends; its path."""
    path = folder / NAME
    partial = path.with_suffix(".partial")
    content = {
        "version": _VERSION,
        "origin": asdict(checkpoint.origin),
        "recipe": checkpoint.recipe,
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "log": checkpoint.log,
        "tensors": checkpoint.tensors,
    }
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; it can't run code. Raises ValueError if it is of another version."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    if content.get("version") != _VERSION:
        raise ValueError(f"{path} has version {content.get('version')}, not {_VERSION}; train in another folder")
    origin = Origin(**content["origin"])
    values = {name: content[name] for name in ("recipe", "step", "seconds", "log", "tensors")}
    return Checkpoint(origin, **values)


def check_origin(path: Path, found: Origin, expected: Origin) -> None:
    """Raise ValueError unless a checkpoint is one of this run."""
    for name, value in asdict(expected).items():
        if (other := getattr(found, name)) != value:
            shown = [hash[:12] or "none" for hash in (other, value)]
            raise ValueError(f"{path} has {name} {shown[0]}, this run has {shown[1]}; use another --out, or delete it")

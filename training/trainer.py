"""The training loop: blocks of steps, with validations and checkpoints between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from training.checkpoint import NAME, Checkpoint, Origin, check_origin, load_checkpoint, save_checkpoint
from training.journal import Journal
from training.patch_sampler import PatchSampler
from training.picture_store import PictureStore
from training.recipe import STEPS_PER_BLOCK, PhaseRecipe, Recipe
from training.schedule import learning_rates, phase_ends
from training.state import TrainingState
from training.step_block import StepBlock
from training.validation import Validation

_BLOCKS_IN_FLIGHT = {"cuda": 10, "cpu": 1}
"""Blocks after which the host waits for the device: it learns the time, and notices a loss that is not finite."""


@dataclass(frozen=True)
class Materials:
    """What a run is made from.

    Attributes:
        recipe: The recipe.
        store: The pictures.
        validation: The held-out pictures.
        origin: Hashes of recipe, data and teacher.
    """

    recipe: Recipe
    store: PictureStore
    validation: Validation
    origin: Origin


class Trainer:
    """A run, from its start or its last checkpoint to its end or a cut."""

    def __init__(self, materials: Materials, folder: Path, save_every: float = 20) -> None:
        """Continue from the checkpoint in `folder`, if there is one.

        Args:
            materials: What the run is made from.
            folder: Receives the log and the checkpoint.
            save_every: Seconds between two checkpoints.

        Raises:
            ValueError: The checkpoint is one of another recipe, pack or teacher.
        """
        self._materials, self._folder, self._save_every = materials, folder, save_every
        recipe = materials.recipe
        self._device = materials.store.small.device
        self.state = TrainingState(recipe, self._device)
        self.step, self._seconds, lines = 0, 0.0, []
        path = folder / NAME
        if path.exists():
            checkpoint = load_checkpoint(path)
            check_origin(path, checkpoint.origin, materials.origin)
            self.state.restore(checkpoint.tensors)
            self.step, self._seconds, lines = checkpoint.step, checkpoint.seconds, checkpoint.log
        self.journal = Journal(folder, lines)
        self._rates = torch.from_numpy(learning_rates(recipe)).to(self._device)

    @property
    def is_finished(self) -> bool:
        """True if all steps of the recipe were taken."""
        return self.step == self._materials.recipe.steps

    def run(self, is_over: Callable[[], bool]) -> None:
        """Train until all steps are taken or `is_over`, which is called between blocks; then save a checkpoint.

        Raises:
            FloatingPointError: The loss is not finite.
        """
        recipe = self._materials.recipe
        if not any(line["event"] == "bicubic" for line in self.journal.lines):
            self.journal.write("bicubic", scores=self._materials.validation.bicubic())
        for phase, end in zip(recipe.phases, phase_ends(recipe), strict=True):
            if self.step < end and not is_over():
                self._run_phase(phase, end, is_over)
        self.save()

    def _run_phase(self, phase: PhaseRecipe, end: int, is_over: Callable[[], bool]) -> None:
        sampler = PatchSampler(self._materials.store, phase.patch, self._materials.recipe.patches)
        block = StepBlock(self._materials.recipe, phase, self.state, sampler)
        validate_every = self._materials.recipe.validate_every
        began = saved = time.monotonic()
        before = self._seconds
        while self.step < end and not is_over():
            pause = self.step + _BLOCKS_IN_FLIGHT[self._device.type] * STEPS_PER_BLOCK
            stop = min(end, (self.step // validate_every + 1) * validate_every, pause)
            for step in range(self.step, stop, STEPS_PER_BLOCK):
                block.run(step, self._rates[step : step + STEPS_PER_BLOCK])
            self.step = stop
            self._check_loss()
            now = time.monotonic()
            self._seconds = before + now - began
            if stop % validate_every == 0 or stop == self._materials.recipe.steps:
                self._validate()
            if now - saved >= self._save_every:
                self.save()
                saved = now

    def _check_loss(self) -> None:
        """Wait for the device, and raise FloatingPointError if the loss is not finite."""
        if not math.isfinite(self.state.loss.item()):
            raise FloatingPointError(f"the loss is not finite at step {self.step}; lower the recipe's rate")

    def _validate(self) -> None:
        """Append the loss since the last validation, and the scores of both averages of the weights, to the log."""
        validation = self._materials.validation
        every = self._materials.recipe.validate_every
        loss = self.state.loss.item() / (self.step - (self.step - 1) // every * every)
        self.state.loss.zero_()
        self.journal.write(
            "validation",
            step=self.step,
            seconds=round(self._seconds, 1),
            loss=loss,
            average=validation.scores(self.state.averaged),
            weights=validation.scores(self.state.network),
        )

    def save(self) -> Path:
        """Write a checkpoint."""
        return save_checkpoint(self.checkpoint(), self._folder)

    def checkpoint(self) -> Checkpoint:
        """This moment of the run."""
        return Checkpoint(
            origin=self._materials.origin,
            recipe=self._materials.recipe.model_dump_json(),
            step=self.step,
            seconds=self._seconds,
            log=self.journal.lines,
            tensors={name: tensor.cpu() for name, tensor in self.state.tensors().items()},
        )

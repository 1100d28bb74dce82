"""A block of training steps: drawing, forward and backward pass, optimiser, average; on a GPU, one CUDA graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from training.loss import Loss
from training.patch_sampler import DRAWS, PatchSampler, draw
from training.recipe import STEPS_PER_BLOCK, PhaseRecipe, Recipe
from training.state import TrainingState

_WARM_UP_STEPS = 3


class StepBlock:
    """STEPS_PER_BLOCK steps of a phase.

    On a GPU they are captured once and replayed. Nothing else is supported there: if the capture fails, its error is
    raised. What differs between blocks, the random integers and the learning rates, is copied into fixed tensors.
    """

    def __init__(self, recipe: Recipe, phase: PhaseRecipe, state: TrainingState, sampler: PatchSampler) -> None:
        """Prepare the steps; the state is the same afterwards."""
        self._phase, self._state, self._sampler, self._seed = phase, state, sampler, recipe.seed
        self._device = state.rate.device
        compiles = recipe.compiled and self._device.type == "cuda"
        self._network = torch.compile(state.network, dynamic=False) if compiles else state.network
        self._loss = Loss(phase, self._device)
        self._draws = torch.zeros((STEPS_PER_BLOCK, phase.batch, DRAWS), dtype=torch.int64, device=self._device)
        self._rates = torch.zeros(STEPS_PER_BLOCK, device=self._device)
        self._graph = self._captured() if self._device.type == "cuda" else None

    def run(self, step: int, rates: Tensor) -> None:
        """Compute the steps from `step` on, without waiting for the GPU.

        Args:
            step: Number of steps before.
            rates: Learning rates, (STEPS_PER_BLOCK,), on the device.
        """
        self._draws.copy_(draw(self._seed, step, STEPS_PER_BLOCK, self._phase.batch, self._device))
        self._rates.copy_(rates)
        if self._graph is not None:
            self._graph.replay()
        else:
            self._steps(STEPS_PER_BLOCK)

    def _steps(self, count: int) -> None:
        for index in range(count):
            patches = self._sampler.gather(self._draws[index])
            with _precision(self._phase, self._device):
                output = self._network(patches.small)
            self._state.rate.copy_(self._rates[index])
            with _precision(self._phase, self._device, autocast=False):  # backward uses TF32 or not, too
                self._state.update(self._loss(output, patches))

    def _captured(self) -> torch.cuda.CUDAGraph:
        """The steps as a CUDA graph, after steps on a side stream that initialise cuDNN and choose its algorithms."""
        before = self._state.snapshot()
        benchmark, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            self._steps(_WARM_UP_STEPS)
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._steps(STEPS_PER_BLOCK)
        torch.backends.cudnn.benchmark = benchmark
        self._state.restore(before)
        return graph


@contextmanager
def _precision(phase: PhaseRecipe, device: torch.device, autocast: bool = True) -> Iterator[None]:
    """Compute in the precision of a phase. A cache of casts would outlive the capture, so there is none."""
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, phase.precision == "tf32"
    enabled = autocast and phase.precision == "bf16"
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled, cache_enabled=False):
            yield
    finally:
        torch.backends.cudnn.allow_tf32 = before

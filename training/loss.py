"""The loss of a phase."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.colour.psnr import LUMA_601
from training.patch_sampler import Patches
from training.recipe import PhaseRecipe

_SMOOTHING = 1e-6  # of Charbonnier's function


class Loss:
    """The loss of a network's output. Its constants are on the device: a capture can't copy them there."""

    def __init__(self, phase: PhaseRecipe, device: torch.device) -> None:
        self._phase = phase
        self._luma = torch.tensor(LUMA_601, device=device).view(1, 3, 1, 1) / sum(LUMA_601)

    def __call__(self, output: Tensor, patches: Patches) -> Tensor:
        """The loss of an output, (N, 3, H, W) in 0..1: a scalar in float32."""
        output, share = output.float(), self._phase.teacher
        loss = self._of_error(output - patches.large) * (1 - share)
        if share:
            assert patches.taught is not None, "the recipe requires a teacher"
            loss = loss + self._of_error(output - patches.taught) * share
        return loss

    def _of_error(self, error: Tensor) -> Tensor:
        phase = self._phase
        loss = phase.rgb * self._size(error)
        if phase.luma:
            loss = loss + phase.luma * self._size((error * self._luma).sum(dim=1))
        if phase.fourier:
            loss = loss + phase.fourier * torch.fft.rfft2(error, norm="ortho").abs().mean()
        return loss

    def _size(self, error: Tensor) -> Tensor:
        if self._phase.loss == "l1":
            return error.abs().mean()
        if self._phase.loss == "mse":
            return error.square().mean()
        return (error.square() + _SMOOTHING).sqrt().mean()

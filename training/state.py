"""Everything that training changes: weights, their moving average, the optimiser's state."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from training.networks.build import build_network
from training.recipe import Recipe

_BETAS = (0.9, 0.999)


class TrainingState:
    """Tensors that stay where they are for the complete run, since CUDA graphs refer to their addresses.

    Attributes:
        network: The network that is trained.
        averaged: A network whose weights are the moving average.
        optimiser: Adam.
        rate: Its learning rate, a scalar in float32.
        loss: Sum of the losses since the last validation, a scalar in float32.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self._keep = recipe.average
        self.network = build_network(recipe.network, recipe.seed).to(device)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.rate = torch.zeros((), device=device)
        self.loss = torch.zeros((), device=device)
        self._parameters = list(self.network.parameters())
        on_gpu = device.type == "cuda"
        options = {"fused": True, "capturable": True} if on_gpu else {"foreach": False}
        self.optimiser = torch.optim.Adam(self._parameters, lr=self.rate, betas=_BETAS, **options)
        self._create_optimiser_state()

    def _create_optimiser_state(self) -> None:
        """Take a step with a rate and gradients of 0: Adam creates its tensors in the first step."""
        for parameter in self._parameters:
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step()
        for values in self.optimiser.state.values():
            values["step"].zero_()

    def update(self, loss: Tensor) -> None:
        """Take a step against the gradients of `loss`, and let the average follow."""
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=False)
        self.loss.add_(loss.detach())
        # The weight is a number: as a tensor it would be read by the host, which a CUDA graph forbids.
        with torch.no_grad():
            torch._foreach_lerp_(list(self.averaged.parameters()), self._parameters, 1 - self._keep)

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that a checkpoint contains, by name."""
        tensors = {"loss": self.loss}
        for (name, weight), average in zip(self.network.named_parameters(), self.averaged.parameters(), strict=True):
            tensors[f"weight.{name}"] = weight.detach()
            tensors[f"average.{name}"] = average
            for key, value in self.optimiser.state[weight].items():
                tensors[f"{key}.{name}"] = value
        return tensors

    def snapshot(self) -> dict[str, Tensor]:
        """Copies of all tensors."""
        return {name: tensor.clone() for name, tensor in self.tensors().items()}

    def restore(self, values: Mapping[str, Tensor]) -> None:
        """Copy values into the tensors. Raises ValueError if they are those of another network."""
        tensors = self.tensors()
        if {name: tensor.shape for name, tensor in tensors.items()} != {n: v.shape for n, v in values.items()}:
            raise ValueError("the saved tensors are those of another network; train in another folder")
        for name, tensor in tensors.items():
            tensor.copy_(values[name])

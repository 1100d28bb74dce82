"""The network of a checkpoint."""

from __future__ import annotations

from training.checkpoint import Checkpoint
from training.networks.build import Network, build_network
from training.recipe import Recipe


def averaged_network(checkpoint: Checkpoint) -> Network:
    """The network with the moving average of the weights, on the CPU."""
    recipe = Recipe.model_validate_json(checkpoint.recipe)
    network = build_network(recipe.network, recipe.seed).requires_grad_(False)
    for name, weight in network.named_parameters():
        weight.copy_(checkpoint.tensors[f"average.{name}"])
    return network

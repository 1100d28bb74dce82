"""Construction of a recipe's network."""

from __future__ import annotations

import torch
from torch import nn

from training.networks.gated import GatedNetwork
from training.networks.plain import PlainNetwork
from training.recipe import NetworkRecipe

Network = PlainNetwork | GatedNetwork


def build_network(recipe: NetworkRecipe, seed: int) -> Network:
    """A network with its first weights, on the CPU; they depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PlainNetwork(recipe) if recipe.kind == "plain" else GatedNetwork(recipe)


def count_parameters(network: nn.Module) -> int:
    """Number of trained values, branches included."""
    return sum(parameter.numel() for parameter in network.parameters())

"""Plain networks: a chain of 3x3 convolutions with PReLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.superres.gpu.fused.chain import ChainLayer, ConvolutionChain
from training.networks.convolution import convolution
from training.networks.layers import chain_layer
from training.networks.residual import add_to_enlarged
from training.recipe import NetworkRecipe

PLANES = 3
_SLOPE = 0.1
_STRENGTH = 0.7 * (2 / (1 + _SLOPE**2)) ** 0.5  # 0.7 of what would preserve the energy through PReLU
_TAIL = 0.1  # starts close to the enlarged image instead of noise


class PlainNetwork(nn.Module):
    """Enlarges RGB images: (N, 3, H, W) in 0..1 to (N, 3, scale * H, scale * W), not clamped."""

    def __init__(self, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        features = recipe.features
        widths = [PLANES, *[features] * recipe.layers]
        self.convolutions = nn.ModuleList(convolution(recipe, width, features, _STRENGTH) for width in widths)
        self.slopes = nn.ParameterList(nn.Parameter(torch.full((features,), _SLOPE)) for _ in widths)
        self.tail = convolution(recipe, features, PLANES * recipe.scale**2, _TAIL)

    def forward(self, image: Tensor) -> Tensor:
        """Add the output of the convolutions to the enlarged image."""
        features = skipped = image
        for index, layer in enumerate(self.convolutions):
            features = functional.prelu(layer(features), self._slope(index))
            if self._is_joined(index):
                features = features + skipped
            if index == 0 or self._is_joined(index):
                skipped = features
        return add_to_enlarged(image, self.tail(features), self.recipe.scale, self.recipe.residual)

    def _is_joined(self, index: int) -> bool:
        """True if the output of an earlier layer is added to that of layer `index`."""
        return bool(self.recipe.skip) and index > 0 and index % self.recipe.skip == 0

    def _slope(self, index: int) -> Tensor:
        """The slopes of PReLU, (features,). The fused kernels need slopes up to 1 where layers are joined."""
        slope: Tensor = self.slopes[index]
        return slope.clamp(max=1) if self.recipe.skip else slope

    @torch.no_grad()
    def chain(self) -> ConvolutionChain:
        """The layers with merged kernels."""
        layers: list[ChainLayer] = []
        skipped = 0
        for index, layer in enumerate(self.convolutions):
            joined = self._is_joined(index)
            join = {"epilogue": "add", "operand": skipped} if joined else {}
            layers.append(chain_layer(layer, slope=self._slope(index), **join))
            skipped = index if joined else skipped
        layers.append(chain_layer(self.tail))
        return ConvolutionChain(tuple(layers), PLANES, self.recipe.scale, self.recipe.residual)

"""Gated networks: blocks of three 3x3 convolutions whose output is gated by itself.

The gate, and the 1x1 convolution of concatenated outputs, are those of SPAN (Wan et al., CVPR workshops 2024). The
image is widened to `features` channels. A block is three convolutions, with SiLU after the first two; its output is
(x + y) * (sigmoid(y) - 0.5) for the block's input x and the third convolution's output y. A 1x1 convolution reads the
widened image and the outputs of up to three blocks, evenly spaced, the last one among them; a 3x3 convolution and a
pixel shuffle follow.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.superres.gpu.fused.chain import MOST_JOINED, ChainLayer, ConvolutionChain
from training.networks.convolution import Convolution, convolution
from training.networks.layers import as_array, chain_layer
from training.networks.residual import add_to_enlarged
from training.recipe import NetworkRecipe

PLANES = 3
_CONVOLUTIONS = 3  # of a block
_WIDENING = 4.0  # the gate of small values is nearly closed, so the image is amplified
_STRENGTHS = 1.4, 1.7, 1.4  # of a block's convolutions: SiLU reduces the energy
_OPEN = 2.0  # magnitude of the third convolution's first biases: at 0, the gate would be closed
_TAIL = 0.02  # starts close to the enlarged image instead of noise


class GatedNetwork(nn.Module):
    """Enlarges RGB images: (N, 3, H, W) in 0..1 to (N, 3, scale * H, scale * W), not clamped."""

    def __init__(self, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        features = recipe.features
        self.head = convolution(recipe, PLANES, features, _WIDENING)
        self.blocks = nn.ModuleList(
            nn.ModuleList(convolution(recipe, features, features, strength) for strength in _STRENGTHS)
            for _ in range(recipe.layers)
        )
        with torch.no_grad():
            for block in self.blocks:
                block[-1].bias.copy_(torch.randint(0, 2, (features,)) * (2 * _OPEN) - _OPEN)
        inputs = features * (1 + len(self._joined()))
        self.join = nn.Conv2d(inputs, features, 1)
        nn.init.normal_(self.join.weight, std=1 / math.sqrt(inputs))
        nn.init.zeros_(self.join.bias)
        self.tail = convolution(recipe, features, PLANES * recipe.scale**2, _TAIL)

    def _joined(self) -> list[int]:
        """The blocks that the 1x1 convolution reads."""
        count = min(MOST_JOINED - 1, self.recipe.layers)
        return [(number + 1) * self.recipe.layers // count - 1 for number in range(count)]

    def forward(self, image: Tensor) -> Tensor:
        """Add the output of the convolutions to the enlarged image."""
        features = self.head(image)
        outputs = [features]
        for block in self.blocks:
            y = functional.silu(block[1](functional.silu(block[0](features))))
            y = block[2](y)
            features = (features + y) * (torch.sigmoid(y) - 0.5)
            outputs.append(features)
        joined = self.join(torch.cat([outputs[0], *(outputs[block + 1] for block in self._joined())], dim=1))
        return add_to_enlarged(image, self.tail(joined), self.recipe.scale, self.recipe.residual)

    @torch.no_grad()
    def chain(self) -> ConvolutionChain:
        """The layers with merged kernels."""
        layers = [chain_layer(self.head)]
        for block in self.blocks:
            layers += _block_layers(list(block), operand=len(layers) - 1)
        sources = 0, *(_CONVOLUTIONS * (block + 1) for block in self._joined())
        ones = np.ones(len(self.join.bias), np.float32)
        layers.append(ChainLayer(as_array(self.join.weight), as_array(self.join.bias), ones, joined=sources))
        layers.append(chain_layer(self.tail))
        return ConvolutionChain(tuple(layers), PLANES, self.recipe.scale, self.recipe.residual)


def _block_layers(block: list[Convolution], operand: int) -> list[ChainLayer]:
    """The layers of a block whose input is the output of layer `operand`."""
    first, second, third = block
    gated = chain_layer(third, epilogue="gate", operand=operand)
    return [chain_layer(first, smooth=True), chain_layer(second, smooth=True), gated]

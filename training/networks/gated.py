"""Gated networks: blocks of three 3x3 convolutions whose output is gated by itself.

The gate, and the 1x1 convolution of concatenated outputs, are those of SPAN (Wan et al., CVPR workshops 2024). The
image is widened to `features` channels. A block is three convolutions, with SiLU after the first two; its output is
(x + y) * (sigmoid(y) - 0.5) for the block's input x and the third convolution's output y. A 1x1 convolution reads the
widened image and the outputs of up to three blocks, evenly spaced, the last one among them; a 3x3 convolution and a
pixel shuffle follow.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.superres.gpu.fused.stack import MOST_JOINED, ConvolutionStack
from training.networks.convolutions import convolve, make_convolutions
from training.networks.layers import stack_layer
from training.networks.residual import add_to_enlarged
from training.recipe import NetworkRecipe

PLANES = 3
# Chosen among a few by their scores after some hundred steps on a CPU: a hint, not a measurement.
_WIDENING = 10.0  # the gate of small values is nearly closed, so the image is amplified
_STRENGTHS = [1.0, 1.0, 1.0]  # of a block's convolutions
_BLOCK = len(_STRENGTHS)
_OPEN = 1.0  # magnitude of the third convolution's first biases: at 0, the gate would be closed
_TAIL = 0.02  # starts close to the enlarged image instead of noise


class GatedNetwork(nn.Module):
    """Enlarges RGB images: (N, 3, H, W) in 0..1 to (N, 3, scale * H, scale * W), not clamped."""

    def __init__(self, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        features = recipe.features
        self.head = make_convolutions(recipe, PLANES, features, [_WIDENING])
        self.body = make_convolutions(recipe, features, features, _STRENGTHS * recipe.layers)
        with torch.no_grad():
            self.body.bias[_BLOCK - 1 :: _BLOCK] = torch.randint(0, 2, (recipe.layers, features)) * (2 * _OPEN) - _OPEN
        inputs = features * (1 + len(self._joined_blocks()))
        self.join = nn.Conv2d(inputs, features, 1)
        nn.init.normal_(self.join.weight, std=1 / math.sqrt(inputs))
        nn.init.zeros_(self.join.bias)
        self.tail = make_convolutions(recipe, features, PLANES * recipe.scale**2, [_TAIL])

    def _joined_blocks(self) -> list[int]:
        """The blocks that the 1x1 convolution reads, counted from 1."""
        count = min(MOST_JOINED - 1, self.recipe.layers)
        return [(number + 1) * self.recipe.layers // count for number in range(count)]

    def forward(self, image: Tensor) -> Tensor:
        """Add the output of the convolutions to the enlarged image."""
        device = image.device
        (head,), body, (tail,) = (stack.layers(device) for stack in (self.head, self.body, self.tail))
        features = convolve(image, head)
        outputs = [features]
        for first in range(0, len(body), _BLOCK):
            y = features
            for layer in body[first : first + _BLOCK - 1]:
                y = functional.silu(convolve(y, layer))
            y = convolve(y, body[first + _BLOCK - 1])
            features = (features + y) * (torch.sigmoid(y) - 0.5)
            outputs.append(features)
        joined = self.join(torch.cat([outputs[0], *(outputs[block] for block in self._joined_blocks())], dim=1))
        return add_to_enlarged(image, convolve(joined, tail), self.recipe.scale, self.recipe.residual)

    @torch.no_grad()
    def stack(self) -> ConvolutionStack:
        """The layers with merged kernels."""
        device = self.join.weight.device
        layers = [stack_layer(layer) for layer in self.head.layers(device)]
        for index, layer in enumerate(self.body.layers(device), 1):
            gates = index % _BLOCK == 0
            fields = {"epilogue": "gate", "operand": index - _BLOCK} if gates else {"smooth": True}
            layers.append(stack_layer(layer, **fields))
        sources = 0, *(_BLOCK * block for block in self._joined_blocks())
        layers.append(stack_layer((self.join.weight, self.join.bias), joined=sources))
        layers += map(stack_layer, self.tail.layers(device))
        return ConvolutionStack(tuple(layers), PLANES, self.recipe.scale, self.recipe.residual)

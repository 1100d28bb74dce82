"""Plain networks: a stack of 3x3 convolutions with PReLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.superres.gpu.fused.stack import ConvolutionStack, StackLayer
from training.networks.convolutions import as_autocast, convolve, make_convolutions
from training.networks.layers import stack_layer
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
        self.head = make_convolutions(recipe, PLANES, features, [_STRENGTH])
        self.body = make_convolutions(recipe, features, features, [_STRENGTH] * recipe.layers)
        self.tail = make_convolutions(recipe, features, PLANES * recipe.scale**2, [_TAIL])
        self.slopes = nn.Parameter(torch.full((1 + recipe.layers, features), _SLOPE))

    def forward(self, image: Tensor) -> Tensor:
        """Add the output of the convolutions to the enlarged image."""
        device = image.device
        (tail,) = self.tail.layers(device)
        slopes = as_autocast(self._slopes(), device).unbind()
        features = skipped = image
        for index, layer in enumerate([*self.head.layers(device), *self.body.layers(device)]):
            features = functional.prelu(convolve(features, layer), slopes[index])
            if self._is_joined(index):
                features = features + skipped
            if index == 0 or self._is_joined(index):
                skipped = features
        return add_to_enlarged(image, convolve(features, tail), self.recipe.scale, self.recipe.residual)

    def _is_joined(self, index: int) -> bool:
        """True if the output of an earlier layer is added to that of layer `index`."""
        return bool(self.recipe.skip) and index > 0 and index % self.recipe.skip == 0

    def _slopes(self) -> Tensor:
        """The slopes of PReLU, (1 + layers, features); up to 1, which the fused kernels require of joined layers."""
        return self.slopes.clamp(max=1) if self.recipe.skip else self.slopes

    @torch.no_grad()
    def stack(self) -> ConvolutionStack:
        """The layers with merged kernels."""
        device, slopes = self.slopes.device, self._slopes()
        layers: list[StackLayer] = []
        skipped = 0
        for index, layer in enumerate([*self.head.layers(device), *self.body.layers(device)]):
            joined = self._is_joined(index)
            join = {"epilogue": "add", "operand": skipped} if joined else {}
            layers.append(stack_layer(layer, slopes[index], **join))
            skipped = index if joined else skipped
        layers += map(stack_layer, self.tail.layers(device))
        return ConvolutionStack(tuple(layers), PLANES, self.recipe.scale, self.recipe.residual)

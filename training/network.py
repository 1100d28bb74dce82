"""The embedded network: plain 3x3 convolutions and a pixel shuffle, added to the nearest-neighbour enlargement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SCALE = 2
CHANNELS = 3


class Network(nn.Module):
    """Doubles the size of RGB images: (N, 3, H, W) in 0..1 to (N, 3, 2H, 2W), not clamped.

    All layers except the pixel shuffle work at the size of the input, which makes the network fast.
    """

    def __init__(self, features: int = 40, layers: int = 6) -> None:
        super().__init__()
        widths = [CHANNELS, *[features] * (layers + 1)]
        self.convolutions = nn.ModuleList(nn.Conv2d(wide, features, 3, padding=1) for wide in widths[:-1])
        self.activations = nn.ModuleList(nn.PReLU(features) for _ in self.convolutions)
        self.tail = nn.Conv2d(features, CHANNELS * SCALE**2, 3, padding=1)
        with torch.no_grad():  # start close to nearest neighbour instead of noise
            self.tail.weight.mul_(0.1)

    def forward(self, image: Tensor) -> Tensor:
        """Add the output of the convolutions to the four copies of each pixel.

        The sum is computed in the dtype of the image: under autocast, bf16 would be off by half an 8-bit level.
        """
        features = image
        for convolution, activation in zip(self.convolutions, self.activations, strict=True):
            features = activation(convolution(features))
        copies = image.repeat_interleave(SCALE**2, dim=1)
        return nn.functional.pixel_shuffle(copies + self.tail(features), SCALE)

    @property
    def overlap(self) -> int:
        """Radius of the receptive field in input pixels: one for each 3x3 convolution."""
        return len(self.convolutions) + 1


def count_parameters(network: nn.Module) -> int:
    """Number of weights."""
    return sum(parameter.numel() for parameter in network.parameters())

"""The embedded network: plain 3x3 convolutions, and a pixel shuffle over a nearest-neighbour residual."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SCALE = 2
CHANNELS = 3


class Network(nn.Module):
    """Doubles an RGB picture: (N, 3, H, W) in 0..1 to (N, 3, 2H, 2W), not clamped.

    Everything but the shuffle works at the size of the input, which is what makes it fast.
    """

    def __init__(self, features: int = 40, layers: int = 6) -> None:
        super().__init__()
        widths = [CHANNELS, *[features] * (layers + 1)]
        self.convolutions = nn.ModuleList(nn.Conv2d(wide, features, 3, padding=1) for wide in widths[:-1])
        self.activations = nn.ModuleList(nn.PReLU(features) for _ in self.convolutions)
        self.tail = nn.Conv2d(features, CHANNELS * SCALE**2, 3, padding=1)
        with torch.no_grad():  # begin close to nearest neighbour, not at noise
            self.tail.weight.mul_(0.1)

    def forward(self, picture: Tensor) -> Tensor:
        """Add what the convolutions find to each pixel's four copies.

        The sum is taken in the picture's own dtype: under autocast bf16 would be half an 8-bit
        level off.
        """
        found = picture
        for convolution, activation in zip(self.convolutions, self.activations, strict=True):
            found = activation(convolution(found))
        copies = picture.repeat_interleave(SCALE**2, dim=1)
        return nn.functional.pixel_shuffle(copies + self.tail(found), SCALE)

    @property
    def overlap(self) -> int:
        """How many input pixels away a pixel can still matter: one for each 3x3 convolution."""
        return len(self.convolutions) + 1


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())

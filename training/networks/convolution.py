"""3x3 convolutions that consist of several branches while training, and of one kernel afterwards.

A sum and a chain of convolutions are one convolution. So the branches' kernels are merged, in fp32, in each forward
pass, and the image is convolved once: training takes about as long as without branches, and the exported kernel is the
one that was trained with. The first of several convolutions in a chain has no bias, as the zero padding of the next one
would differ from it.

The branches are those of two publications: RepVGG (Ding et al., CVPR 2021) for 1x1 convolutions and the identity beside
3x3 ones, and ECBSR (Zhang et al., ACM Multimedia 2021) for filters of edges.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.recipe import NetworkRecipe

_SOBEL = [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]
_LAPLACIAN = [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]
_BRANCH = 0.1  # size of the additional branches' first weights, relative to those of the 3x3 convolution


class Convolution(nn.Module):
    """A 3x3 convolution with zero padding of 1. Subclasses add branches to its kernel."""

    def __init__(self, inputs: int, outputs: int, strength: float) -> None:
        """Draw the first weights.

        Args:
            inputs: Channels that are read.
            outputs: Channels that are written.
            strength: Standard deviation of the output for inputs of standard deviation 1.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3) * (strength / math.sqrt(9 * inputs)))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def kernel(self) -> Tensor:
        """The kernel with all branches, (outputs, inputs, 3, 3)."""
        return self.weight

    def forward(self, image: Tensor) -> Tensor:
        """Convolve (N, inputs, H, W) to (N, outputs, H, W)."""
        with torch.autocast(image.device.type, enabled=False):
            kernel = self.kernel()
        return functional.conv2d(image, kernel, self.bias, padding=1)


class ExpandedConvolution(Convolution):
    """A 1x1, a 3x3 and a 1x1 convolution, beside a 1x1 convolution and, for equal widths, the identity."""

    def __init__(self, inputs: int, outputs: int, strength: float, gain: int) -> None:
        super().__init__(inputs, outputs, strength)
        if inputs == outputs:
            strength /= 2  # the identity has the rest
        hidden = gain * inputs, gain * outputs
        self.first = nn.Parameter(nn.init.orthogonal_(torch.empty(hidden[0], inputs)))
        self.last = nn.Parameter(nn.init.orthogonal_(torch.empty(outputs, hidden[1])))
        self.skip = nn.Parameter(torch.randn(outputs, inputs) * (_BRANCH * strength / math.sqrt(inputs)))
        self.weight = nn.Parameter(torch.randn(hidden[1], hidden[0], 3, 3) * (strength / math.sqrt(9 * inputs)))
        self.register_buffer("identity", torch.eye(outputs, inputs) * float(inputs == outputs), persistent=False)

    def kernel(self) -> Tensor:
        """The product of the three kernels, with the skip and the identity at its centre."""
        middle = self.last @ self.weight.flatten(1)
        middle = middle.unflatten(1, self.weight.shape[1:]).permute(0, 2, 3, 1) @ self.first
        return middle.permute(0, 3, 1, 2) + _centred(self.skip + self.identity)


class EdgeConvolution(Convolution):
    """A 3x3 convolution, beside a 1x1 convolution and three 1x1 convolutions each followed by a filter of edges."""

    def __init__(self, inputs: int, outputs: int, strength: float) -> None:
        super().__init__(inputs, outputs, strength)
        deviation = strength / math.sqrt(inputs)
        self.skip = nn.Parameter(torch.randn(outputs, inputs) * (_BRANCH * deviation))
        self.mixes = nn.Parameter(torch.randn(3, outputs, inputs) * deviation)
        self.scales = nn.Parameter(torch.full((3, outputs), _BRANCH / 4))
        sobel = torch.tensor(_SOBEL)
        self.register_buffer("filters", torch.stack([sobel, sobel.T, torch.tensor(_LAPLACIAN)]), persistent=False)

    def kernel(self) -> Tensor:
        """The sum of all branches' kernels."""
        mixes = (self.mixes * self.scales[:, :, None]).flatten(1)
        edges = (mixes.T @ self.filters.flatten(1)).unflatten(0, self.skip.shape).unflatten(2, (3, 3))
        return self.weight + edges + _centred(self.skip)


def _centred(weight: Tensor) -> Tensor:
    """The 3x3 kernel of a 1x1 convolution, (outputs, inputs)."""
    return functional.pad(weight[:, :, None, None], (1, 1, 1, 1))


def convolution(recipe: NetworkRecipe, inputs: int, outputs: int, strength: float) -> Convolution:
    """A convolution with the recipe's branches."""
    if recipe.branches == "expanded":
        return ExpandedConvolution(inputs, outputs, strength, recipe.gain)
    if recipe.branches == "edges":
        return EdgeConvolution(inputs, outputs, strength)
    return Convolution(inputs, outputs, strength)

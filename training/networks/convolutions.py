"""3x3 convolutions that consist of several branches while training, and of one kernel each afterwards.

A sum and a stack of convolutions are one convolution. So the branches' kernels are merged, in fp32, in each forward
pass, and the image is convolved once: training takes about as long as without branches, and the exported kernel is the
one that was trained with. The first of several convolutions in a stack has no bias, as the zero padding of the next one
would differ from it.

All convolutions of equal shape are one module with stacked weights: a GPU merges and casts those of all layers at once,
where many small kernels would take a good part of a step. Weights are stored with inputs last, which is the order
that convolutions of channels-last images read.

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


class Convolutions(nn.Module):
    """3x3 convolutions of equal shape. Subclasses add branches to their kernels.

    Attributes:
        weight: (count, outputs, 3, 3, inputs).
        bias: (count, outputs).
    """

    def __init__(self, inputs: int, outputs: int, strengths: list[float]) -> None:
        """Draw the first weights.

        Args:
            inputs: Channels that are read.
            outputs: Channels that are written.
            strengths: Of each convolution, standard deviation of its output for inputs of standard deviation 1.
        """
        super().__init__()
        deviations = torch.tensor(strengths) / math.sqrt(9 * inputs)
        self.weight = nn.Parameter(torch.randn(len(strengths), outputs, 3, 3, inputs) * _column(deviations, 5))
        self.bias = nn.Parameter(torch.zeros(len(strengths), outputs))

    def kernels(self) -> Tensor:
        """The kernels with all branches, (count, outputs, inputs, 3, 3)."""
        return self._merged().permute(0, 1, 4, 2, 3)

    def _merged(self) -> Tensor:
        """The kernels with all branches, (count, outputs, 3, 3, inputs)."""
        return self.weight

    def layers(self, device: torch.device) -> list[tuple[Tensor, Tensor]]:
        """Kernel and bias of each convolution, in the type in which autocast would convolve on the device."""
        with torch.autocast(device.type, enabled=False):
            kernels = self.kernels()
        kernels, biases = (as_autocast(values, device) for values in (kernels, self.bias))
        return list(zip(kernels.unbind(), biases.unbind(), strict=True))


def as_autocast(values: Tensor, device: torch.device) -> Tensor:
    """Weights in the type to which autocast would convert them: those of all layers in one conversion."""
    is_enabled = torch.is_autocast_enabled(device.type)
    return values.to(torch.get_autocast_dtype(device.type)) if is_enabled else values


def convolve(image: Tensor, layer: tuple[Tensor, Tensor]) -> Tensor:
    """Convolve (N, inputs, H, W) to (N, outputs, H, W), with zero padding of 1."""
    kernel, bias = layer
    return functional.conv2d(image, kernel, bias, padding=1)


class ExpandedConvolutions(Convolutions):
    """A 1x1, a 3x3 and a 1x1 convolution, beside a 1x1 convolution and, for equal widths, the identity."""

    def __init__(self, inputs: int, outputs: int, strengths: list[float], gain: int) -> None:
        keeps = inputs == outputs
        # The identity has half of the strength.
        super().__init__(inputs, outputs, [each / 2 if keeps else each for each in strengths])
        count, hidden = len(strengths), (gain * inputs, gain * outputs)
        deviations = torch.tensor(strengths) / math.sqrt(9 * inputs) / (2 if keeps else 1)
        self.weight = nn.Parameter(torch.randn(count, hidden[1], 3, 3, hidden[0]) * _column(deviations, 5))
        self.first = nn.Parameter(torch.stack([_orthogonal(hidden[0], inputs) for _ in strengths]))
        self.last = nn.Parameter(torch.stack([_orthogonal(outputs, hidden[1]) for _ in strengths]))
        self.skip = nn.Parameter(torch.randn(count, outputs, inputs) * _column(_BRANCH * 3 * deviations, 3))
        self.register_buffer("identity", torch.eye(outputs, inputs) * float(keeps), persistent=False)

    def _merged(self) -> Tensor:
        """The product of the three kernels, with the skip and the identity at its centre."""
        count, hidden, *_ = self.weight.shape
        inner = self.weight.view(count, hidden * 9, -1) @ self.first
        kernels = (self.last @ inner.view(count, hidden, -1)).unflatten(2, (3, 3, -1))
        return kernels + _centred(self.skip + self.identity)


class EdgeConvolutions(Convolutions):
    """A 3x3 convolution, beside a 1x1 convolution and three 1x1 convolutions each followed by a filter of edges."""

    def __init__(self, inputs: int, outputs: int, strengths: list[float]) -> None:
        super().__init__(inputs, outputs, strengths)
        count, deviations = len(strengths), torch.tensor(strengths) / math.sqrt(inputs)
        self.skip = nn.Parameter(torch.randn(count, outputs, inputs) * _column(_BRANCH * deviations, 3))
        self.mixes = nn.Parameter(torch.randn(count, outputs, 3, inputs) * _column(deviations, 4))
        self.scales = nn.Parameter(torch.full((count, outputs, 3), _BRANCH / 4))
        sobel = torch.tensor(_SOBEL)
        filters = torch.stack([sobel, sobel.T, torch.tensor(_LAPLACIAN)])
        self.register_buffer("filters", filters.flatten(1).T.contiguous(), persistent=False)

    def _merged(self) -> Tensor:
        """The sum of all branches' kernels."""
        edges = self.filters @ (self.mixes * self.scales[..., None])
        return self.weight + edges.unflatten(2, (3, 3)) + _centred(self.skip)


def _orthogonal(rows: int, columns: int) -> Tensor:
    matrix: Tensor = nn.init.orthogonal_(torch.empty(rows, columns))
    return matrix


def _column(values: Tensor, dimensions: int) -> Tensor:
    """Values for each convolution, (count,), with as many dimensions as the weights that they multiply."""
    return values.view(-1, *[1] * (dimensions - 1))


def _centred(weight: Tensor) -> Tensor:
    """The 3x3 kernels of 1x1 convolutions, (count, outputs, inputs)."""
    return functional.pad(weight[:, :, None, None], (0, 0, 1, 1, 1, 1))


def make_convolutions(recipe: NetworkRecipe, inputs: int, outputs: int, strengths: list[float]) -> Convolutions:
    """Convolutions with the recipe's branches."""
    if recipe.branches == "expanded":
        return ExpandedConvolutions(inputs, outputs, strengths, recipe.gain)
    if recipe.branches == "edges":
        return EdgeConvolutions(inputs, outputs, strengths)
    return Convolutions(inputs, outputs, strengths)

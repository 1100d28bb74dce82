"""The networks that the fused kernels can run: chains of 3x3 convolutions of one width.

recognition.py finds them in an ONNX graph. They consist of:

- 3x3 convolutions, stride 1, zero padding 1, of equal width (a multiple of 8, 8 to 64), each followed by PReLU (shared
  or per channel), LeakyReLU, ReLU, SiLU or nothing;
- after a layer, an earlier layer's output added, or SPAN's gate (x + y) * (sigmoid(y) - 0.5) of an earlier output x;
- a last convolution to scale² times the image's planes, then a pixel shuffle, over the input enlarged by repetition or
  bilinearly, or over nothing;
- images of 1 or 3 planes, scales 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

WIDTHS = range(8, 65, 8)
SCALES = range(1, 5)

Residual = Literal["none", "nearest", "bilinear"]
Epilogue = Literal["none", "add", "gate"]


class UnknownStructure(ModelError):
    """The fused kernels don't support the network's structure; the message names the part that they don't support."""


@dataclass(frozen=True, eq=False)
class ChainLayer:
    """A 3x3 convolution with its activation and epilogue.

    Attributes:
        weight: (outputs, inputs, 3, 3) float32, rows before columns.
        bias: (outputs,) float32.
        slope: (outputs,) float32, of PReLU: x for x > 0, else slope * x. Ones if there is no activation.
        smooth: Whether the activation is SiLU, x * sigmoid(x), instead of PReLU.
        epilogue: Operation after the activation y: "none", "add", x + y, or "gate", (x + y) * (sigmoid(y) - 0.5).
        operand: Index of the layer whose output is x; None without an epilogue.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: NDArray[np.float32]
    smooth: bool = False
    epilogue: Epilogue = "none"
    operand: int | None = None


@dataclass(frozen=True, eq=False)
class ConvolutionChain:
    """A network as a list of layers, each of which reads the output of the one before; the first reads the image.

    Attributes:
        layers: The first has `width` outputs for the image's planes, the last has planes * scale² outputs in the order
            (plane, row, column) of the pixel shuffle.
        planes: Planes of the image, 1 or 3.
        scale: Output size / input size, 1 to 4.
        residual: Interpolation by which the input is enlarged before it is added to the output; "none" if it is not
            added.
    """

    layers: tuple[ChainLayer, ...]
    planes: int
    scale: int
    residual: Residual

    @property
    def width(self) -> int:
        """Channels between the layers."""
        return len(self.layers[0].bias)

    @property
    def operands(self) -> frozenset[int]:
        """Indices of the layers whose output is read again later."""
        return frozenset(layer.operand for layer in self.layers if layer.operand is not None)


def with_slopes_up_to_one(layers: tuple[ChainLayer, ...]) -> tuple[ChainLayer, ...]:
    """Rewrite layers so that PReLU can be computed as max(x, slope * x), which is right for slopes up to 1.

    For a slope s > 1, max(-x, -s * x) is the negative of PReLU. The weights and bias of such a channel are therefore
    negated, and so are the weights by which the next layer reads it.

    Raises:
        UnknownStructure: Another layer reads such a channel too.
    """
    rewritten = list(layers)
    read_again = {layer.operand for layer in layers}
    for index in range(len(rewritten) - 1):
        layer = rewritten[index]
        steep = layer.slope > 1
        if not steep.any() or layer.smooth:
            continue
        if index in read_again or layer.epilogue != "none":
            raise UnknownStructure("a slope of PReLU above 1 where layers are joined")
        sign = np.where(steep, np.float32(-1), np.float32(1))
        following = rewritten[index + 1]
        rewritten[index] = replace(layer, weight=layer.weight * sign[:, None, None, None], bias=layer.bias * sign)
        rewritten[index + 1] = replace(following, weight=following.weight * sign[None, :, None, None])
    return tuple(rewritten)

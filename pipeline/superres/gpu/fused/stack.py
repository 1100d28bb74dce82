"""The networks that the fused kernels can run: stacks of 3x3 convolutions of one width, joined by 1x1 convolutions.

recognition.py finds them in an ONNX graph. They consist of:

- 3x3 convolutions, stride 1, zero padding 1, of equal width (8 to 64, here padded to a multiple of 8), each followed by
  PReLU (shared or per channel), LeakyReLU, ReLU, SiLU or nothing;
- after a layer, an earlier layer's output added, or SPAN's gate (x + y) * (sigmoid(y) - 0.5) of an earlier output x;
- between them, 1x1 convolutions of up to four earlier layers' outputs, concatenated, with the same activations;
- before the first, the image with a factor and an offset for each plane;
- a last convolution to scale² times the image's planes, then a pixel shuffle, over the input enlarged by repetition or
  bilinearly, or over nothing; then, perhaps, a limit to the range from 0 to 1, and a reduction by cubic convolution, as
  in Real-ESRGAN's animevideov3 for x2 and x3;
- images of 1 or 3 planes, scales 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

WIDTHS = range(8, 65, 8)
SCALES = range(1, 5)
MOST_JOINED = 4  # images that a 1x1 convolution may read

Residual = Literal["none", "nearest", "bilinear"]
Epilogue = Literal["none", "add", "gate"]


class UnknownStructure(ModelError):
    """The fused kernels don't support the network's structure; the message names the part that they don't support."""


@dataclass(frozen=True, eq=False)
class StackLayer:
    """A convolution with its activation and epilogue: 3x3 of one layer's output, or 1x1 of several layers' outputs.

    Attributes:
        weight: (outputs, inputs, 3, 3) float32, rows before columns; (outputs, inputs * layers, 1, 1) if joined.
        bias: (outputs,) float32.
        slope: (outputs,) float32, of PReLU: x for x > 0, else slope * x. Ones if there is no activation.
        smooth: Whether the activation is SiLU, x * sigmoid(x), instead of PReLU.
        epilogue: Operation after the activation y: "none", "add", x + y, or "gate", (x + y) * (sigmoid(y) - 0.5).
        operand: Index of the layer whose output is x; None without an epilogue.
        joined: Indices of the layers whose concatenated outputs it reads, 1 to MOST_JOINED; empty if it reads the layer
            before it, or the image.
        ones_weight: (outputs, 3, 3) float32, of the first layer: the weights of a plane that is 1 in the frame and 0
            outside, by which an offset of the image is taken into account exactly. None if there is no offset.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: NDArray[np.float32]
    smooth: bool = False
    epilogue: Epilogue = "none"
    operand: int | None = None
    joined: tuple[int, ...] = ()
    ones_weight: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class ConvolutionStack:
    """A network as a list of layers. The first reads the image; the others read the one before, unless they are joined.

    Attributes:
        layers: The first has `width` outputs for the image's planes, the last has planes * scale² outputs in the order
            (plane, row, column) of the pixel shuffle.
        planes: Planes of the image, 1 or 3.
        scale: Output size / input size before the reduction, 1 to 4.
        residual: Interpolation by which the input is enlarged before it is added to the output; "none" if it is not
            added.
        clipped: Whether the output is limited to the range from 0 to 1.
        reduction: Factor, up to 1, by which the output is then reduced by cubic convolution with a = -0.75.
    """

    layers: tuple[StackLayer, ...]
    planes: int
    scale: int
    residual: Residual
    clipped: bool = False
    reduction: Fraction = Fraction(1)

    @property
    def width(self) -> int:
        """Channels between the layers."""
        return len(self.layers[0].bias)

    @property
    def operands(self) -> frozenset[int]:
        """Indices of the layers whose output an epilogue or a joined layer reads."""
        of_epilogues = {layer.operand for layer in self.layers if layer.operand is not None}
        return frozenset(of_epilogues.union(*(layer.joined for layer in self.layers)))


def with_padded_width(layers: list[StackLayer]) -> list[StackLayer]:
    """Add channels that are always 0, so that the width is a multiple of 8, as of SPAN with 52 channels.

    Args:
        layers: Layers with the shapes of a stack's, of any width.
    """
    width = len(layers[0].bias)
    added = -width % WIDTHS.step
    if not added:
        return layers
    padded = []
    for index, layer in enumerate(layers):
        outputs = 0 if layer is layers[-1] else added
        groups = layer.weight.reshape(len(layer.bias), len(layer.joined) or 1, -1, *layer.weight.shape[2:])
        inputs = added if index else 0  # the first layer reads the image
        weight = np.pad(groups, ((0, outputs), (0, 0), (0, inputs), (0, 0), (0, 0)))
        ones = None if layer.ones_weight is None else np.pad(layer.ones_weight, ((0, outputs), (0, 0), (0, 0)))
        fields: dict[str, Any] = {
            "weight": weight.reshape(len(weight), -1, *layer.weight.shape[2:]),
            "ones_weight": ones,
        }
        slope = np.pad(layer.slope, (0, outputs), constant_values=1)
        padded.append(replace(layer, bias=np.pad(layer.bias, (0, outputs)), slope=slope, **fields))
    return padded


def with_slopes_up_to_one(layers: tuple[StackLayer, ...]) -> tuple[StackLayer, ...]:
    """Rewrite layers so that PReLU can be computed as max(x, slope * x), which is right for slopes up to 1.

    For a slope s > 1, max(-x, -s * x) is the negative of PReLU. The weights and bias of such a channel are therefore
    negated, and so are the weights by which other layers read it.

    Raises:
        UnknownStructure: An epilogue reads such a channel too.
    """
    rewritten = list(layers)
    of_epilogues = {layer.operand for layer in layers}
    for index, layer in enumerate(layers[:-1]):
        steep = layer.slope > 1
        if not steep.any() or layer.smooth:
            continue
        if index in of_epilogues or layer.epilogue != "none":
            raise UnknownStructure("a slope of PReLU above 1 where layers are joined")
        sign = np.where(steep, np.float32(-1), np.float32(1))
        rewritten[index] = _negated(rewritten[index], sign)
        for later in range(index + 1, len(layers)):
            rewritten[later] = _reading_negated(rewritten[later], later, index, sign)
    return tuple(rewritten)


def _negated(layer: StackLayer, sign: NDArray[np.float32]) -> StackLayer:
    """The layer with the weights and bias of each output multiplied by `sign`, (outputs,)."""
    ones = None if layer.ones_weight is None else layer.ones_weight * sign[:, None, None]
    return replace(layer, weight=layer.weight * sign[:, None, None, None], bias=layer.bias * sign, ones_weight=ones)


def _reading_negated(layer: StackLayer, index: int, source: int, sign: NDArray[np.float32]) -> StackLayer:
    """Layer `index` with its weights multiplied by `sign`, (inputs,), where it reads the output of layer `source`."""
    sources = layer.joined or (index - 1,)
    if source not in sources:
        return layer
    signs = np.concatenate([sign if each == source else np.ones_like(sign) for each in sources])
    return replace(layer, weight=layer.weight * signs[None, :, None, None])

"""Conversion of ncnn's layers with weights of several channels: convolutions, deconvolutions, and inner products.

The parameters of each layer are those of Tencent/ncnn, docs/developer-guide/operators.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from pipeline.errors import ModelError
from pipeline.models.ncnn.activations import fused_activation
from pipeline.models.ncnn.blob import Blob, vector
from pipeline.models.ncnn.graph import NcnnGraph
from pipeline.models.ncnn.param_file import NcnnLayer
from pipeline.models.ncnn.weights_file import Weights

_SAME = {-233: "SAME_UPPER", -234: "SAME_LOWER"}  # values of a padding, and ONNX's names for them


@dataclass(frozen=True)
class Kernel:
    """The geometry of a convolution; pairs are (rows, columns).

    Attributes:
        size: Of the kernel.
        dilation: Distance between the elements of the kernel.
        stride: Distance between two windows.
        pads: Elements added at (top, left, bottom, right), as ONNX orders them.
        auto_pad: ONNX's mode of padding.
    """

    size: tuple[int, int]
    dilation: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int]
    auto_pad: str = "NOTSET"

    @classmethod
    def of(cls, layer: NcnnLayer) -> Self:
        """The geometry in the parameters of a convolution. Raises ModelError if it is impossible."""
        width, dilation, stride = layer.integer(1), layer.integer(2, 1), layer.integer(3, 1)
        left = layer.integer(4)
        top = layer.integer(14, left)
        auto_pad, pads = _SAME.get(left, "NOTSET"), (top, left, layer.integer(16, top), layer.integer(15, left))
        kernel = cls(
            (layer.integer(11, width), width),
            (layer.integer(12, dilation), dilation),
            (layer.integer(13, stride), stride),
            (0, 0, 0, 0) if auto_pad != "NOTSET" else pads,
            auto_pad,
        )
        if min(*kernel.size, *kernel.dilation, *kernel.stride) < 1 or min(kernel.pads) < 0:
            raise ModelError(f"its kernel of {kernel.size[1]}x{kernel.size[0]} has no valid size, stride or padding")
        return kernel

    def extent(self, axis: int) -> int:
        """Elements from the first to the last element of the kernel along axis 0, rows, or 1, columns."""
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    def padding(self, axis: int) -> int:
        """Elements added along an axis."""
        return self.pads[axis] + self.pads[axis + 2]

    def attributes(self) -> dict[str, Any]:
        """The attributes of ONNX's Conv and ConvTranspose."""
        padding = {"auto_pad": self.auto_pad} if self.auto_pad != "NOTSET" else {"pads": self.pads}
        return {"kernel_shape": self.size, "dilations": self.dilation, "strides": self.stride, **padding}


def convert_convolution(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Convolution and ConvolutionDepthWise."""
    (source,), kernel = inputs, Kernel.of(layer)
    _require_constant_float_weights(layer, dynamic=19)
    if layer.number(18):
        raise ModelError(f"padding with the value {layer.number(18):g} is not supported, only with 0")
    outputs, group = layer.integer(0), _group(layer)
    weight, bias = _weights(layer, kernel, outputs, group, graph)
    _check_channels(source, weight.shape[1] * group, graph)
    operands = [graph.constant(values) for values in (weight, bias) if values is not None]
    tensor = graph.add("Conv", source.tensor, *operands, group=group, **kernel.attributes())
    rows, columns = (
        extent.windows(1, kernel.stride[axis], 0)  # with the padding "same", there are as many windows as positions
        if kernel.auto_pad != "NOTSET"
        else extent.windows(kernel.extent(axis), kernel.stride[axis], kernel.padding(axis))
        for axis, extent in enumerate((source.rows, source.columns))
    )
    return [fused_activation(layer, Blob(tensor, outputs, rows, columns), graph)]


def convert_deconvolution(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Deconvolution and DeconvolutionDepthWise."""
    (source,), kernel = inputs, Kernel.of(layer)
    _require_constant_float_weights(layer, dynamic=28)
    if kernel.auto_pad != "NOTSET" or layer.integer(20) or layer.integer(21):
        raise ModelError("an output of a fixed size is not supported, only padding in numbers")
    outputs, group = layer.integer(0), _group(layer)
    weight, bias = _weights(layer, kernel, outputs, group, graph)
    _check_channels(source, weight.shape[1] * group, graph)
    right = layer.integer(18)
    more = (layer.integer(19, right), right)
    of_group = weight.reshape(group, outputs // group, *weight.shape[1:])  # ONNX has (inputs, outputs / group, H, W)
    weight = of_group.swapaxes(1, 2).reshape(-1, outputs // group, *kernel.size)
    operands = [graph.constant(values) for values in (weight, bias) if values is not None]
    tensor = graph.add(
        "ConvTranspose", source.tensor, *operands, group=group, output_padding=more, **kernel.attributes()
    )
    rows, columns = (
        extent.plus(-1)
        .scaled(Fraction(kernel.stride[axis]))
        .plus(kernel.extent(axis) - kernel.padding(axis) + more[axis])
        for axis, extent in enumerate((source.rows, source.columns))
    )
    return [fused_activation(layer, Blob(tensor, outputs, rows, columns), graph)]


def convert_inner_product(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """InnerProduct of a vector, which is a 1x1 convolution of an image of one pixel."""
    (source,) = inputs
    if not source.is_vector:
        raise ModelError(
            "an inner product with a complete image is not supported, only with a vector, as after pooling"
        )
    layer.require("int8_scale_term", 8, (0,))
    outputs, count = layer.integer(0), layer.integer(2)
    if outputs < 1 or count < 1 or count % outputs:
        raise ModelError(f"{count} weights for {outputs} outputs are impossible")
    weight = graph.weights.tagged(count).reshape(outputs, -1, 1, 1)
    _check_channels(source, weight.shape[1], graph)
    operands = [graph.constant(weight)]
    if layer.integer(1):
        operands.append(graph.constant(graph.weights.plain(outputs)))
    return [fused_activation(layer, vector(graph.add("Conv", source.tensor, *operands), outputs), graph)]


def _require_constant_float_weights(layer: NcnnLayer, dynamic: int) -> None:
    layer.require("int8_scale_term", 8, (0,))
    layer.require("dynamic_weight", dynamic, (0,))


def _group(layer: NcnnLayer) -> int:
    return layer.integer(7, 1) if layer.kind.endswith("DepthWise") else 1


def _weights(
    layer: NcnnLayer, kernel: Kernel, outputs: int, group: int, graph: NcnnGraph
) -> tuple[Weights, Weights | None]:
    """Weights of shape (outputs, inputs / group, H, W), and biases. Raises ModelError if their number is impossible."""
    count, size = layer.integer(6), kernel.size[0] * kernel.size[1]
    if outputs < 1 or group < 1 or outputs % group or count < 1 or count % (outputs * size):
        raise ModelError(
            f"{count} weights do not suit {outputs} outputs of {kernel.size[1]}x{kernel.size[0]} in {group} groups"
        )
    weight = graph.weights.tagged(count).reshape(outputs, -1, *kernel.size)
    return weight, graph.weights.plain(outputs) if layer.integer(5) else None


def _check_channels(source: Blob, needed: int, graph: NcnnGraph) -> None:
    """Raise ModelError unless `source` has as many channels as needed; those of the image may be found in this way."""
    if source.channels is None:
        graph.image_channels = graph.image_channels or needed
    if (source.channels or graph.image_channels) != needed:
        raise ModelError(
            f"its weights are for {needed} channels, but it reads {source.channels or graph.image_channels}"
        )

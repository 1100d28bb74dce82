"""An ONNX network as a PyTorch module with the file's own weights, operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import torch
from onnx.numpy_helper import to_array
from torch import Tensor, nn
from torch.nn import functional

from pipeline import ModelError, ModelSpec

Operation = Callable[[list[Tensor]], Tensor]


class OnnxModule(nn.Module):
    """The network of an .onnx file whose operators are among those of `_OPERATIONS`."""

    def __init__(self, model: ModelSpec) -> None:
        """Load the file of `model`. Raises ModelError if it has another operator."""
        super().__init__()
        graph = onnx.load(str(model.path)).graph
        constants = {tensor.name: to_array(tensor) for tensor in graph.initializer}
        self._input, self._output = model.input, model.output
        self._steps: list[tuple[Operation, list[str], str]] = []
        self._layers = nn.ModuleList()
        for node in graph.node:
            if node.op_type not in _OPERATIONS:
                raise ModelError(f"{model.name}: PyTorch's form of {node.op_type} is not known here")
            attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            operation = _OPERATIONS[node.op_type](attributes, [constants.get(name) for name in node.input])
            if isinstance(operation, nn.Module):
                self._layers.append(operation)
            inputs = [name for name in node.input if name and name not in constants]
            self._steps.append((operation, inputs, node.output[0]))

    def forward(self, image: Tensor) -> Tensor:
        """The output, (1, C, scale H, scale W), for an image, (1, C, H, W)."""
        tensors = {self._input: image}
        for operation, inputs, output in self._steps:
            tensors[output] = operation([tensors[name] for name in inputs])
        return tensors[self._output]


class _Layer(nn.Module):
    """A module of one input, as an operation."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self._layer = layer

    def forward(self, inputs: list[Tensor]) -> Tensor:
        output: Tensor = self._layer(inputs[0])
        return output


class _Arithmetic(nn.Module):
    """An operator on tensors and constants, as an operation. A single constant stays a number."""

    def __init__(self, apply: Callable[..., Tensor], constants: list[Any]) -> None:
        super().__init__()
        self._apply_to = apply
        self._numbers = [value.item() if value is not None and value.size == 1 else None for value in constants]
        for index, value in enumerate(constants):
            is_tensor = value is not None and value.size > 1
            self.register_buffer(f"constant_{index}", torch.from_numpy(value.copy()) if is_tensor else None)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        operands: list[Any] = []  # `list[Any]()` and iterators are unknown to torch.compile
        computed = 0
        for index, number in enumerate(self._numbers):
            operand = number if number is not None else getattr(self, f"constant_{index}")
            if operand is None:
                operand = inputs[computed]
                computed += 1
            operands.append(operand)
        return self._apply_to(*operands)


def _convolution(attributes: dict[str, Any], constants: list[Any]) -> Operation:
    weight = torch.from_numpy(constants[1].copy())
    bias = torch.from_numpy(constants[2].copy()) if len(constants) > 2 else None
    pads, size = attributes.get("pads", [0] * 4), weight.shape[2:]
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], tuple(size), padding=tuple(pads[:2]), bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias
    return _Layer(layer)


def _prelu(attributes: dict[str, Any], constants: list[Any]) -> Operation:
    slopes = torch.from_numpy(constants[1].copy()).flatten()
    layer = nn.PReLU(slopes.numel())
    layer.weight.data = slopes
    return _Layer(layer)


def _depth_to_space(attributes: dict[str, Any], constants: list[Any]) -> Operation:
    block, is_dcr = attributes["blocksize"], attributes.get("mode", b"DCR") == b"DCR"

    def shuffle(inputs: list[Tensor]) -> Tensor:
        (tensor,) = inputs
        if is_dcr:  # the order (row, column, plane) instead of pixel_shuffle's (plane, row, column)
            batch, channels, height, width = tensor.shape
            split = tensor.reshape(batch, block * block, channels // block**2, height, width)
            tensor = split.transpose(1, 2).reshape(batch, channels, height, width)
        return functional.pixel_shuffle(tensor, block)

    return shuffle


def _resize(attributes: dict[str, Any], constants: list[Any]) -> Operation:
    mode, grid = attributes.get("mode", b"nearest"), attributes.get("coordinate_transformation_mode", b"half_pixel")
    options: dict[str, Any] = {"scale_factor": float(constants[2][-1]), "mode": "nearest"}
    if mode == b"cubic" and grid == b"half_pixel" and attributes.get("cubic_coeff_a", -0.75) == -0.75:
        options |= {"mode": "bicubic", "align_corners": False}
    elif mode != b"nearest":
        raise ModelError("only Resize by nearest neighbour, and bicubic with a = -0.75, are known here")
    return lambda inputs: functional.interpolate(inputs[0], **options)


def _with_constants(apply: Callable[..., Tensor]) -> Callable[[dict[str, Any], list[Any]], Operation]:
    """An operator of two inputs, one of which may be a constant."""
    return lambda _, constants: _Arithmetic(apply, constants)


_OPERATIONS: dict[str, Callable[[dict[str, Any], list[Any]], Operation]] = {
    "Add": _with_constants(lambda a, b: a + b),
    "Concat": lambda attributes, _: lambda inputs: torch.cat(inputs, attributes["axis"]),
    "Conv": _convolution,
    "DepthToSpace": _depth_to_space,
    "Identity": lambda attributes, _: lambda inputs: inputs[0],
    "LeakyRelu": lambda attributes, _: lambda inputs: functional.leaky_relu(inputs[0], attributes.get("alpha", 0.01)),
    "Mul": _with_constants(lambda a, b: a * b),
    "PRelu": _prelu,
    "Resize": _resize,
    "Sigmoid": lambda attributes, _: lambda inputs: torch.sigmoid(inputs[0]),
    "Sub": _with_constants(lambda a, b: a - b),
}

"""Trained networks as ONNX files, in fp32 and fp16.

The graphs are written node by node, so that they do not depend on the version of torch, from the ConvolutionStack that
the fused kernels recognise in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.superres.gpu.fused.stack import ConvolutionStack, StackLayer

_OPSET = 17
_IR_VERSION = 8
DTYPES: dict[str, np.dtype[Any]] = {"fp32": np.dtype(np.float32), "fp16": np.dtype(np.float16)}


def write_models(stack: ConvolutionStack, folder: Path, name: str, properties: dict[str, str]) -> dict[str, Path]:
    """Write `name`.fp32.onnx and `name`.fp16.onnx; their paths by precision."""
    paths = {}
    for precision, dtype in DTYPES.items():
        model = to_onnx(stack, dtype, name, properties)
        onnx.checker.check_model(model, full_check=True)
        paths[precision] = folder / f"{name}.{precision}.onnx"
        paths[precision].write_bytes(model.SerializeToString())
    return paths


def to_onnx(stack: ConvolutionStack, dtype: np.dtype[Any], name: str, properties: dict[str, str]) -> onnx.ModelProto:
    """Convert a stack to ONNX: input (1, planes, height, width), output `scale` times as large, black 0 and white 1.

    Args:
        stack: The layers. It has no offset of the image, clipping or reduction.
        dtype: Type of weights and tensors, float32 or float16.
        name: Name of the graph.
        properties: Metadata.
    """
    writer = _GraphWriter(np.dtype(dtype))
    outputs: list[str] = []
    for index, layer in enumerate(stack.layers[:-1]):
        source = outputs[-1] if outputs else "input"
        outputs.append(writer.layer(index, layer, source, outputs))
    writer.output(stack, outputs[-1])
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    tensors = [_tensor(*fields, stack.planes) for fields in (("input", code, 1), ("output", code, stack.scale))]
    graph = helper.make_graph(writer.nodes, name, tensors[:1], tensors[1:], writer.weights)
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="uprez training")
    helper.set_model_props(model, properties)
    return model


class _GraphWriter:
    """Nodes and weights of a graph."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._dtype = dtype

    def layer(self, index: int, layer: StackLayer, source: str, outputs: list[str]) -> str:
        """Add a layer; the name of its output."""
        if layer.joined:
            source = self._add("Concat", f"concat{index}", [outputs[each] for each in layer.joined], axis=1)
        y = self._convolution(f"conv{index}", source, layer.weight, layer.bias)
        if layer.smooth:
            y = self._add("Mul", f"silu{index}", [y, self._add("Sigmoid", f"sigmoid{index}", [y])])
        elif (layer.slope != 1).any():
            slope = self._constant(f"prelu{index}.slope", layer.slope[:, None, None])
            y = self._add("PRelu", f"prelu{index}", [y, slope])
        if layer.operand is None:
            return y
        total = self._add("Add", f"sum{index}", [outputs[layer.operand], y])
        if layer.epilogue == "add":
            return total
        half = self._constant(f"gate{index}.half", np.array(0.5))
        gate = self._add("Sub", f"gate{index}", [self._add("Sigmoid", f"open{index}", [y]), half])
        return self._add("Mul", f"gated{index}", [total, gate])

    def output(self, stack: ConvolutionStack, source: str) -> None:
        """Add the last layer, the pixel shuffle and the enlarged image."""
        last, scale = stack.layers[-1], stack.scale
        # The stack's order is (plane, row, column), that of DCR (row, column, plane), so copies stay plain.
        order = np.arange(len(last.bias)).reshape(stack.planes, scale**2).T.ravel()
        tail = self._convolution("tail", source, last.weight[order], last.bias[order])
        if stack.residual == "nearest":
            copies = self._add("Concat", "copies", ["input"] * scale**2, axis=1)
            self._shuffle("output", self._add("Add", "detail", [copies, tail]), scale)
        elif stack.residual == "bilinear":
            factors = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "factors")
            self.weights.append(factors)
            mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
            enlarged = self._add("Resize", "enlarged", ["input", "", "factors"], **mode)
            self._add("Add", "output", [self._shuffle("detail", tail, scale), enlarged])
        else:
            self._shuffle("output", tail, scale)

    def _shuffle(self, name: str, source: str, scale: int) -> str:
        return self._add("DepthToSpace", name, [source], blocksize=scale, mode="DCR")

    def _convolution(self, name: str, source: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        inputs = [source, self._constant(f"{name}.weight", weight), self._constant(f"{name}.bias", bias)]
        size = weight.shape[2]
        return self._add("Conv", name, inputs, kernel_shape=[size, size], pads=[size // 2] * 4)

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self.weights.append(numpy_helper.from_array(values.astype(self._dtype), name))
        return name

    def _add(self, kind: str, name: str, inputs: Iterable[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name


def _tensor(name: str, kind: TensorProto.DataType, factor: int, planes: int) -> onnx.ValueInfoProto:
    sides = ["height", "width"] if factor == 1 else [f"{factor}*height", f"{factor}*width"]
    return helper.make_tensor_value_info(name, kind, [1, planes, *sides])


def overlap(stack: ConvolutionStack) -> int:
    """Radius of the receptive field in input pixels: one for each 3x3 convolution."""
    return sum(not layer.joined for layer in stack.layers)


def count_weights(stack: ConvolutionStack) -> int:
    """Number of values of an exported network: weights, biases, and slopes where there is PReLU."""
    return sum(
        layer.weight.size + layer.bias.size + (layer.slope.size if (layer.slope != 1).any() else 0)
        for layer in stack.layers
    )

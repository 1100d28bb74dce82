"""Conversion of ncnn's arithmetic: of two tensors, of a tensor and constants, and what only passes tensors along."""

from __future__ import annotations

import numpy as np

from pipeline.errors import ModelError
from pipeline.models.ncnn.blob import NONE, Blob, Extent, broadcast, vector
from pipeline.models.ncnn.graph import NcnnGraph
from pipeline.models.ncnn.param_file import NcnnLayer

_UNTIL_LOADED = -233  # a size that is known when the network runs
_BINARY = {  # by the number of the operation: ONNX's operator, and whether its operands are exchanged
    0: ("Add", False),
    1: ("Sub", False),
    2: ("Mul", False),
    3: ("Div", False),
    4: ("Max", False),
    5: ("Min", False),
    6: ("Pow", False),
    7: ("Sub", True),
    8: ("Div", True),
    9: ("Pow", True),
}
_UNARY = {
    0: "Abs",
    1: "Neg",
    2: "Floor",
    3: "Ceil",
    5: "Sqrt",
    7: "Exp",
    8: "Log",
    9: "Sin",
    10: "Cos",
    15: "Reciprocal",
    16: "Tanh",
}
_ELTWISE = ("Mul", "Add", "Max")


def convert_binary(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """BinaryOp, of two tensors or of a tensor and a number."""
    operation = layer.require("operation", 0, tuple(_BINARY))
    operator, is_exchanged = _BINARY[operation]
    if layer.integer(1):
        (source,), operand = inputs, graph.constant(layer.number(2))
        names, output = [source.tensor, operand], source
    else:
        one, other = inputs
        names, output = [one.tensor, other.tensor], broadcast(one, other, "")
    return [output.named(graph.add(operator, *(names[::-1] if is_exchanged else names)))]


def convert_unary(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """UnaryOp."""
    (source,), operation = inputs, layer.require("operation", 0, (4, 6, *_UNARY))
    if operation == 4:
        tensor = graph.add("Mul", source.tensor, source.tensor)
    elif operation == 6:
        tensor = graph.add("Reciprocal", graph.add("Sqrt", source.tensor))
    else:
        tensor = graph.add(_UNARY[operation], source.tensor)
    return [source.named(tensor)]


def convert_eltwise(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Eltwise: product, weighted sum or maximum of two tensors or more."""
    operator = _ELTWISE[layer.require("operation", 0, (0, 1, 2))]
    factors = layer.floats(1) or (1.0,) * len(inputs)
    if len(factors) != len(inputs) or len(inputs) < 2:
        raise ModelError(f"{len(factors)} factors for {len(inputs)} tensors are impossible")
    if operator == "Add":
        inputs = [
            blob if factor == 1 else blob.named(graph.add("Mul", blob.tensor, graph.constant(factor)))
            for blob, factor in zip(inputs, factors, strict=True)
        ]
    output = inputs[0]
    for blob in inputs[1:]:
        output = broadcast(output, blob, graph.add(operator, output.tensor, blob.tensor))
    return [output]


def convert_scale(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Scale: each channel times a number, which may be computed, plus a number."""
    count = layer.integer(0)
    if count == _UNTIL_LOADED:
        one, other = inputs
        return [broadcast(one, other, graph.add("Mul", one.tensor, other.tensor))]
    (source,) = inputs
    factors = graph.weights.plain(count)
    offsets = graph.weights.plain(count) if layer.integer(1) else None
    return [_affine(source, factors, offsets, graph)]


def convert_batch_norm(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """BatchNorm, whose statistics are constant: each channel times a number plus a number."""
    (source,), count = inputs, layer.integer(0)
    slope, mean, variance, bias = (graph.weights.plain(count) for _ in range(4))
    factors = (slope / np.sqrt(np.maximum(variance + np.float32(layer.number(1)), np.float32(1e-30)))).astype(
        np.float32
    )
    return [_affine(source, factors, bias - mean * factors, graph)]


def convert_memory_data(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """MemoryData: constants, as a vector or as an image."""
    width, height, channels = (layer.integer(key) for key in range(3))
    layer.require("load_type", 21, (0, 1), 1)
    if layer.integer(11) or not ((width and height and channels) or (width and not height and not channels)):
        raise ModelError("constants of two or four dimensions are not supported, only of one or three")
    shape = (channels, height, width) if channels else (width, 1, 1)
    count = int(np.prod(shape))
    values = graph.weights.plain(count) if layer.integer(21, 1) else graph.weights.tagged(count)
    tensor = graph.constant(values.reshape(1, *shape))
    if not channels:
        return [vector(tensor, width)]
    return [Blob(tensor, channels, Extent(NONE, height), Extent(NONE, width))]


def convert_copy(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Split, Noop and Dropout: the same tensor, for each reader."""
    if layer.kind == "Dropout" and layer.number(0, 1.0) != 1:
        raise ModelError(f"a scale of {layer.number(0):g} is not supported, only 1")
    return [inputs[0]] * len(layer.outputs)


def _affine(source: Blob, factors: np.ndarray, offsets: np.ndarray | None, graph: NcnnGraph) -> Blob:
    if source.channels is not None and len(factors) != source.channels:
        raise ModelError(f"{len(factors)} factors for {source.channels} channels are impossible")
    tensor = graph.add("Mul", source.tensor, graph.constant(factors.reshape(-1, 1, 1)))
    if offsets is not None:
        tensor = graph.add("Add", tensor, graph.constant(offsets.reshape(-1, 1, 1)))
    return source.named(tensor)

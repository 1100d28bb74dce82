"""Conversion of ncnn's activations: layers of their own, or parts of a convolution."""

from __future__ import annotations

import math

from pipeline.errors import ModelError
from pipeline.models.ncnn.blob import Blob
from pipeline.models.ncnn.graph import NcnnGraph
from pipeline.models.ncnn.param_file import NcnnLayer

_LARGEST = 3.4028234663852886e38  # FLT_MAX: ncnn's default for no limit
_SIMPLE = {"Sigmoid": "Sigmoid", "TanH": "Tanh", "AbsVal": "Abs"}


def convert_activation(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """ReLU, PReLU, Clip, ELU, Sigmoid, TanH, AbsVal, Swish, Mish, HardSigmoid, HardSwish and GELU."""
    (source,) = inputs
    if layer.kind in _SIMPLE:
        tensor = graph.add(_SIMPLE[layer.kind], source.tensor)
    elif layer.kind == "PReLU":
        tensor = _prelu(layer, source, graph)
    elif layer.kind == "ELU":
        tensor = graph.add("Elu", source.tensor, alpha=layer.number(0, 0.1))
    elif layer.kind == "GELU":
        tensor = _gelu(layer, source, graph)
    elif layer.kind == "ReLU":
        tensor = _relu(source, layer.number(0), graph)
    elif layer.kind == "Clip":
        tensor = _clip(source, layer.number(0, -_LARGEST), layer.number(1, _LARGEST), graph)
    else:
        tensor = _smooth(layer.kind, source, (layer.number(0, 0.2), layer.number(1, 0.5)), graph)
    return [source.named(tensor)]


def fused_activation(layer: NcnnLayer, source: Blob, graph: NcnnGraph) -> Blob:
    """`source` after the activation in the parameters of a convolution or inner product."""
    kind, values = layer.integer(9), layer.floats(10)
    needed = {2: 1, 3: 2, 6: 2}.get(kind, 0)
    if kind not in range(7) or len(values) < needed:
        raise ModelError(f"activation {kind} with parameters {values} is not supported, only 0 to 6")
    if kind == 0:
        return source
    if kind in (1, 2):
        tensor = _relu(source, values[0] if kind == 2 else 0.0, graph)
    elif kind == 3:
        tensor = _clip(source, values[0], values[1], graph)
    elif kind == 4:
        tensor = graph.add("Sigmoid", source.tensor)
    else:
        tensor = _smooth("Mish" if kind == 5 else "HardSwish", source, values, graph)
    return source.named(tensor)


def _relu(source: Blob, slope: float, graph: NcnnGraph) -> str:
    return graph.add("LeakyRelu", source.tensor, alpha=slope) if slope else graph.add("Relu", source.tensor)


def _clip(source: Blob, low: float, high: float, graph: NcnnGraph) -> str:
    limits = (graph.constant(limit) if abs(limit) < _LARGEST else "" for limit in (low, high))
    return graph.add("Clip", source.tensor, *limits)


def _prelu(layer: NcnnLayer, source: Blob, graph: NcnnGraph) -> str:
    count = layer.integer(0)
    if count != 1 and source.channels is not None and count != source.channels:
        raise ModelError(f"{count} slopes for {source.channels} channels are impossible")
    return graph.add("PRelu", source.tensor, graph.constant(graph.weights.plain(count).reshape(-1, 1, 1)))


def _smooth(kind: str, source: Blob, line: tuple[float, ...], graph: NcnnGraph) -> str:
    """HardSigmoid, or the product of the input and of a function of it: Swish, Mish, HardSwish."""
    if kind == "Swish":
        factor = graph.add("Sigmoid", source.tensor)
    elif kind == "Mish":
        factor = graph.add("Tanh", graph.add("Softplus", source.tensor))
    else:
        factor = graph.add("HardSigmoid", source.tensor, alpha=line[0], beta=line[1])
    return factor if kind == "HardSigmoid" else graph.add("Mul", source.tensor, factor)


def _gelu(layer: NcnnLayer, source: Blob, graph: NcnnGraph) -> str:
    if layer.integer(0):  # the approximation by tanh
        cube = graph.add("Mul", graph.add("Mul", source.tensor, source.tensor), source.tensor)
        inner = graph.add("Add", source.tensor, graph.add("Mul", cube, graph.constant(0.044715)))
        bounded = graph.add("Tanh", graph.add("Mul", inner, graph.constant(math.sqrt(2 / math.pi))))
    else:
        bounded = graph.add("Erf", graph.add("Mul", source.tensor, graph.constant(math.sqrt(0.5))))
    half = graph.add("Mul", source.tensor, graph.constant(0.5))
    return graph.add("Mul", half, graph.add("Add", bounded, graph.constant(1.0)))

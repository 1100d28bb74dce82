"""Rewrites PReLU as Max(x, slope * x), which TensorRT-RTX fuses into the convolution before it.

TensorRT-RTX 1.6 runs PRelu as a pass of its own; the Max form makes engines 6 to 26 % faster (docs/benchmarks.md). It
is PReLU for slopes up to 1. For a channel with a slope above 1, Max(-x, -slope * x) is the negative of PReLU: so the
weights and bias that make the channel are negated, and the weights with which it is read. Negation is exact.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx


def prelu_as_max(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` in which each PRelu is a Mul and a Max; a PRelu stays where that can't be exact.

    It stays where its slopes are computed or not per channel, or where a slope is above 1 and the PRelu is not between
    one convolution and others that nothing else is connected to.
    """
    import onnx

    rewritten = onnx.ModelProto()
    rewritten.CopyFrom(model)
    graph = _Graph(rewritten.graph)
    nodes: list[onnx.NodeProto] = []
    for node in rewritten.graph.node:
        slope = graph.constants.get(node.input[1]) if node.op_type == "PRelu" else None
        values = None if slope is None else onnx.numpy_helper.to_array(slope)
        if values is None or not _per_channel(values) or not graph.make_exact(node, values.astype(np.float32).ravel()):
            nodes.append(node)
            continue
        scaled = f"{node.output[0]}.scaled"
        nodes.append(onnx.helper.make_node("Mul", [node.input[0], node.input[1]], [scaled]))
        nodes.append(onnx.helper.make_node("Max", [node.input[0], scaled], [node.output[0]]))
    del rewritten.graph.node[:]
    rewritten.graph.node.extend(nodes)
    return rewritten


def _per_channel(slope: NDArray[Any]) -> bool:
    """True for a single slope, and for slopes of shape (C, 1, 1)."""
    return slope.size == 1 or (slope.ndim >= 3 and slope.shape[-3] == slope.size)


@dataclass
class _Graph:
    """A graph, with the operators that write and read each tensor."""

    graph: onnx.GraphProto

    def __post_init__(self) -> None:
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}
        self._writers = {name: node for node in self.graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self.graph.node:
            for name in node.input:
                self._readers[name].append(node)
        self._outputs = {output.name for output in self.graph.output}

    def make_exact(self, prelu: onnx.NodeProto, slope: NDArray[np.float32]) -> bool:
        """Negate the channels with slopes above 1 on both sides of `prelu`; False if that is impossible."""
        steep = slope > 1
        if not steep.any():
            return True
        writer, readers = self._writers.get(prelu.input[0]), self._readers[prelu.output[0]]
        alone = len(self._readers[prelu.input[0]]) == 1 and not {prelu.input[0], prelu.output[0]} & self._outputs
        if writer is None or not alone or not readers or not all(map(self._is_plain, (writer, *readers))):
            return False
        if any(reader.input[0] != prelu.output[0] for reader in readers):
            return False
        channels = self.constants[writer.input[1]].dims[0]
        sign = np.broadcast_to(np.where(steep, -1, 1), channels)
        self._multiply(writer, 1, sign[:, None, None, None])
        if len(writer.input) > 2:
            self._multiply(writer, 2, sign)
        for reader in readers:
            self._multiply(reader, 1, sign[None, :, None, None])
        return True

    def _is_plain(self, node: onnx.NodeProto) -> bool:
        """True for a two-dimensional convolution without groups, with constant weights and bias."""
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        constant = all(name in self.constants for name in node.input[1:])
        return node.op_type == "Conv" and groups == 1 and constant and len(self.constants[node.input[1]].dims) == 4

    def _multiply(self, node: onnx.NodeProto, place: int, sign: NDArray[Any]) -> None:
        """Give input `place` of `node` weights of its own, multiplied by `sign`."""
        import onnx

        before = self.constants[node.input[place]]
        values = onnx.numpy_helper.to_array(before)
        name = f"{before.name}.{node.output[0]}.signed"
        after = onnx.numpy_helper.from_array((values * sign.astype(values.dtype)).astype(values.dtype), name)
        self.graph.initializer.append(after)
        self.constants[name] = after
        node.input[place] = name

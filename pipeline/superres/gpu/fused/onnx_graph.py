"""The parts of an ONNX graph that recognition needs: its image, its constants, and who reads each tensor."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.chain import UnknownStructure

if TYPE_CHECKING:
    import onnx


class OnnxGraph:
    """A graph with one input, the image, and one output.

    Attributes:
        image: Name of the input.
        output: Name of the output.
        nodes: The operators, except constants and copies, in order.
        constants: Values of the tensors that are not computed.
        uses: Number of operators that read each tensor.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        """Read `graph`. Raises UnknownStructure if it has several inputs or outputs."""
        import onnx

        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        for node in graph.node:
            if node.op_type == "Constant" and len(node.attribute) == 1 and node.attribute[0].name == "value":
                self.constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        images = [tensor.name for tensor in graph.input if tensor.name not in self.constants]
        if len(images) != 1 or len(graph.output) != 1:
            raise UnknownStructure(f"{len(images)} inputs and {len(graph.output)} outputs, not one of each")
        self.image = images[0]
        self._aliases: dict[str, str] = {}  # outputs of Identity, which ONNX lists before the operators that read them
        for node in graph.node:
            if node.op_type == "Identity":
                self._aliases[node.output[0]] = self._resolved(node.input[0])
        self.output = self._resolved(graph.output[0].name)
        self.nodes = [node for node in graph.node if node.op_type not in ("Constant", "Identity")]
        self.uses = Counter(name for node in self.nodes for name in self.inputs(node))

    def inputs(self, node: onnx.NodeProto) -> list[str]:
        """The tensors that `node` reads, with copies replaced by what they are copies of."""
        return [self._resolved(name) for name in node.input]

    def _resolved(self, name: str) -> str:
        return self._aliases.get(name, name)

    def constant(self, name: str, what: str) -> NDArray[Any]:
        """The value of tensor `name`. Raises UnknownStructure, which calls it `what`, if it is computed."""
        if name not in self.constants:
            raise UnknownStructure(f"{what} that is computed, not constant")
        return self.constants[name]


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of an operator as Python values."""
    import onnx

    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: list(value) if isinstance(value, tuple | list) else value for name, value in values.items()}


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """The values in float32."""
    return np.asarray(values, np.float32)

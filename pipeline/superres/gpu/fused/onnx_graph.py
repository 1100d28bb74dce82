"""The parts of an ONNX graph that recognition needs: its image, its constants, and who reads each tensor."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.stack import UnknownStructure

if TYPE_CHECKING:
    import onnx


_EVALUATED_SIZE = 2, 3  # height and width of the image in `evaluated`, if the graph accepts any


class OnnxGraph:
    """A graph with one input, the image, and one output.

    Attributes:
        image: Name of the input.
        output: Name of the output.
        nodes: The operators, except constants and copies, in order.
        constants: Values of the tensors that are not computed.
        uses: Number of operators that read each tensor.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """Read the graph of `model`. Raises UnknownStructure if it has several inputs or outputs."""
        import onnx

        self._model, graph = model, model.graph
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        for node in graph.node:
            if node.op_type == "Constant" and len(node.attribute) == 1 and node.attribute[0].name == "value":
                self.constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        images = [tensor for tensor in graph.input if tensor.name not in self.constants]
        if len(images) != 1 or len(graph.output) != 1:
            raise UnknownStructure(f"{len(images)} inputs and {len(graph.output)} outputs, not one of each")
        self._input = images[0]
        self.image = images[0].name
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

    def evaluated(self, name: str, planes: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Evaluate a tensor that depends on the image alone.

        Args:
            name: The tensor.
            planes: Planes of the image.

        Returns:
            A random image, (1, planes, H, W), and the tensor's value for it.

        Raises:
            UnknownStructure: The tensor can't be evaluated.
        """
        import onnx
        from onnx.reference import ReferenceEvaluator

        graph, needed, nodes = self._model.graph, {name}, []
        for node in reversed(graph.node):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(node.input)
        output = onnx.helper.make_tensor_value_info(name, self._input.type.tensor_type.elem_type, None)
        weights = [tensor for tensor in graph.initializer if tensor.name in needed]
        part = onnx.helper.make_graph(nodes[::-1], "part", [self._input], [output], weights)
        model = onnx.helper.make_model(part, opset_imports=self._model.opset_import, ir_version=self._model.ir_version)
        sizes = [dim.dim_value for dim in self._input.type.tensor_type.shape.dim][2:]
        height, width = [size or default for size, default in zip(sizes, _EVALUATED_SIZE, strict=True)]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(self._input.type.tensor_type.elem_type)
        image = np.random.default_rng(0).random((1, planes, height, width)).astype(dtype)
        try:
            (value,) = ReferenceEvaluator(model).run(None, {self.image: image})
        except Exception as error:  # of any class: what the evaluator does not support, or shapes that do not match
            raise UnknownStructure(f"operators on the image that can't be evaluated ({error})") from error
        return image, np.asarray(value)


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of an operator as Python values."""
    import onnx

    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: list(value) if isinstance(value, tuple | list) else value for name, value in values.items()}


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """The values in float32."""
    return np.asarray(values, np.float32)

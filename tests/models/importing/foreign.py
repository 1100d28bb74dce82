"""Networks in the conventions of others: a network of this project with operators around it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from pipeline.models import catalogue
from pipeline.models.importing.conventions import UNIT, ValueRange

OPSET = 17


def plain_network() -> onnx.ModelProto:
    """clear-x2 in fp32, without metadata."""
    model = onnx.load(catalogue.find("clear-x2", np.float32).path)
    del model.metadata_props[:]
    return model


def one_size_network(height: int, width: int, plain: onnx.ModelProto | None = None) -> onnx.ModelProto:
    """`plain`, by default clear-x2, behind a reshape to one size."""
    model = Foreign(plain or plain_network(), shape=[1, 3, height, width]).model()
    size = onnx.numpy_helper.from_array(np.array([1, 3, height, width], np.int64), "only_size")
    model.graph.initializer.append(size)
    model.graph.node[0].input[0] = "reshaped"
    model.graph.node.insert(0, onnx.helper.make_node("Reshape", ["x", "only_size"], ["reshaped"]))
    return model


@dataclass
class Foreign:
    """Conventions for a network.

    Attributes:
        plain: The network in this project's conventions, whose tensors are renamed.
        input_range: Value range of the input.
        output_range: Value range of the output.
        reversed: Blue, green, red at both ends.
        output_reversed: The output has the opposite order of channels.
        layout: "nchw" or "nhwc".
        multiple: The network fails on sizes that are not multiples of it.
        border: Output pixels that are missing on each side.
        dtype: Element type of both ends.
        clipped: The output is limited to its range.
        shape: Declared shape of the input; None for (1, C, any, any).
    """

    plain: onnx.ModelProto = field(default_factory=plain_network)
    input_range: ValueRange = UNIT
    output_range: ValueRange = UNIT
    reversed: bool = False
    output_reversed: bool = False
    layout: str = "nchw"
    multiple: int = 1
    border: int = 0
    dtype: str = "float32"
    clipped: bool = False
    shape: list[Any] | None = None

    def model(self) -> onnx.ModelProto:
        """The network."""
        graph = onnx.GraphProto()
        graph.CopyFrom(self.plain.graph)
        (source,) = graph.input
        (target,) = graph.output
        channels = source.type.tensor_type.shape.dim[1].dim_value
        before, after = _Chain("x", graph), _Chain(target.name, graph)
        self._before(before)
        self._after(after)
        nodes = [*before.ending_at(source.name), *graph.node, *after.ending_at("y")]
        del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
        graph.node.extend(nodes)
        code = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        free = [1, channels, "h", "w"] if self.layout == "nchw" else [1, "h", "w", channels]
        graph.input.append(onnx.helper.make_tensor_value_info("x", code, self.shape or free))
        larger = [1, channels, None, None] if self.layout == "nchw" else [1, None, None, channels]
        graph.output.append(onnx.helper.make_tensor_value_info("y", code, larger))
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        return model

    def saved(self, path: Path) -> Path:
        """The network in a file."""
        onnx.save(self.model(), path)
        return path

    def _before(self, chain: "_Chain") -> None:
        chain.add("Cast", to=onnx.TensorProto.FLOAT)
        if self.layout == "nhwc":
            chain.add("Transpose", perm=[0, 3, 1, 2])
        if self.multiple > 1:
            chain.add("SpaceToDepth", blocksize=self.multiple)
            chain.add("DepthToSpace", blocksize=self.multiple)
        black, white = _bounds(self.input_range)
        chain.add("Sub", chain.constant(black))
        chain.add("Div", chain.constant(white - black))
        if self.reversed:
            chain.reverse()

    def _after(self, chain: "_Chain") -> None:
        if self.reversed != self.output_reversed:
            chain.reverse()
        black, white = _bounds(self.output_range)
        chain.add("Mul", chain.constant(white - black))
        chain.add("Add", chain.constant(black))
        if self.border:
            ends = ([self.border] * 2, [-self.border] * 2, [2, 3])
            chain.add("Slice", *(chain.constant(np.array(each, np.int64)) for each in ends))
        if self.layout == "nhwc":
            chain.add("Transpose", perm=[0, 2, 3, 1])
        if self.clipped:
            chain.add("Clip", *(chain.constant(np.float32(each.min())) for each in (black, white)))
        if self.dtype == "uint8":
            chain.add("Clip", *(chain.constant(np.float32(each)) for each in (0, 255)))
        if self.dtype != "float32":
            chain.add("Cast", to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype)))


class _Chain:
    """Operators, each on the output of the one before."""

    def __init__(self, tensor: str, graph: onnx.GraphProto) -> None:
        self._tensor, self._graph, self._prefix = tensor, graph, f"chain_of_{tensor}"
        self._nodes: list[onnx.NodeProto] = []

    def add(self, operator: str, *operands: str, **attributes: Any) -> None:
        output = f"{self._prefix}_{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(operator, [self._tensor, *operands], [output], **attributes))
        self._tensor = output

    def constant(self, values: Any) -> str:
        name = f"{self._prefix}_constant_{len(self._graph.initializer)}"
        self._graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def reverse(self) -> None:
        self.add("Gather", self.constant(np.array([2, 1, 0], np.int64)), axis=1)

    def ending_at(self, tensor: str) -> list[onnx.NodeProto]:
        self._nodes[-1].output[0] = tensor
        return self._nodes


def _bounds(known: ValueRange) -> tuple[Any, Any]:
    black, white = (np.array(each, np.float32).reshape(1, -1, 1, 1) for each in (known.black, known.white))
    return black, white

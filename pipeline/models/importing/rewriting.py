"""Rewriting of a network from its own conventions to this project's: (1, C, H, W), 0..1, nothing missing at the border.

    input ─▶ values ─▶ pad ─▶ layout, type ─▶ the network as it is ─▶ type, layout ─▶ crop ─▶ values ─▶ output

Two conventions stay as they are, since the kernels before and after a network apply them at no cost: 0..255 at both
ends, and channels in the order blue, green, red at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.models.importing.conventions import BYTES, UNIT, Conventions, ValueRange
from pipeline.models.importing.signature import Signature

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "uprez_input", "uprez_output"
_PAD_WITH_INPUTS = 11  # the first opset in which Pad has its pads as an input
_SLICE_WITH_INPUTS = 10


def with_free_size(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` that declares no sizes but those of batch and channels, which may or may not run."""
    free = type(model)()
    free.CopyFrom(model)
    free.graph.ClearField("value_info")
    for tensor in (*free.graph.input, *free.graph.output):
        for index, dimension in enumerate(tensor.type.tensor_type.shape.dim):
            if index and dimension.dim_value not in (1, 3):
                dimension.dim_param = f"{tensor.name}_{index}"
    return free


def is_conventional(conventions: Conventions) -> bool:
    """True if a network needs no operators before or after it."""
    return (
        conventions.input_range == conventions.output_range
        and conventions.input_range in (UNIT, BYTES)
        and not conventions.output_reversed
        and not conventions.border
        and conventions.layout == "nchw"
        and conventions.input_dtype == conventions.output_dtype
        and conventions.input_dtype in ("float32", "float16")
    )


def kept_white(conventions: Conventions) -> float:
    """The value of white in the rewritten network: 255 or 1."""
    return 255.0 if conventions.input_range == BYTES and is_conventional(conventions) else 1.0


def needs_rewriting(model: onnx.ModelProto, conventions: Conventions) -> bool:
    """False if graph and metadata of `model` already have all that `rewritten` would add."""
    facts = {entry.key: entry.value for entry in model.metadata_props}
    default = {
        "uprez.channels": "y" if conventions.channels == "y" else "rgb",
        "uprez.range": "1",
        "uprez.multiple": "1",
    }
    described = all(facts.get(key, default[key]) == value for key, value in _facts(conventions).items())
    return not (described and is_conventional(conventions) and conventions.size == conventions.declared_size)


def rewritten(model: onnx.ModelProto, signature: Signature, conventions: Conventions, name: str) -> onnx.ModelProto:
    """`model` with operators around it that apply its conventions, and with metadata that describe the rest.

    Args:
        model: The network; modified.
        signature: Its signature.
        conventions: Its conventions.
        name: Name for tables and messages, unless the model's metadata have one.
    """
    if not is_conventional(conventions):
        _surround(_without_bytes(model), signature, conventions)
    facts = {"uprez.name": name} | {entry.key: entry.value for entry in model.metadata_props} | _facts(conventions)
    facts.pop("uprez.layout", None)
    del model.metadata_props[:]
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    return model


def _facts(conventions: Conventions) -> dict[str, str]:
    """The metadata that describe a rewritten network."""
    return {
        "uprez.channels": conventions.channels,
        "uprez.range": f"{kept_white(conventions):g}",
        "uprez.multiple": str(conventions.size_multiple),
    }


def _surround(model: onnx.ModelProto, signature: Signature, conventions: Conventions) -> None:
    import onnx

    graph = model.graph
    dtype = "float16" if signature.input_dtype == signature.output_dtype == "float16" else "float32"
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    before = _Operators(INPUT, "uprez_before", dtype, opset)
    after = _Operators(signature.output, "uprez_after", dtype, opset)
    _add_before(before, signature, conventions)
    _add_after(after, signature, conventions)
    nodes = [*before.named(signature.input), *graph.node, *after.named(OUTPUT)]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.constants, *after.constants])
    graph.ClearField("value_info")
    channels = len(conventions.channels)
    code = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    sizes: list[Any] = list(conventions.size or ("height", "width"))
    enlarged = [conventions.scale * size if isinstance(size, int) else f"{conventions.scale}*{size}" for size in sizes]
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [tensor for tensor in graph.input if tensor.name in weights]  # before IR version 4, weights are inputs too
    del graph.input[:], graph.output[:]
    graph.input.extend([onnx.helper.make_tensor_value_info(INPUT, code, [1, channels, *sizes]), *inputs])
    graph.output.append(onnx.helper.make_tensor_value_info(OUTPUT, code, [1, channels, *enlarged]))


def _without_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model`, modified so that images are not converted to uint8: TensorRT has no such tensors inside of a network.

    What the network does with an image of uint8 first, except to rearrange it, is to convert it to floats, which then
    does nothing.
    """
    import onnx

    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == onnx.TensorProto.UINT8:
                attribute.i = onnx.TensorProto.FLOAT
    return model


def _add_before(operators: _Operators, signature: Signature, conventions: Conventions) -> None:
    known = conventions.input_range
    operators.affine([w - b for b, w in zip(known.black, known.white, strict=True)], known.black)
    operators.pad(conventions.border)
    if signature.input_dtype != "uint8":
        operators.cast(signature.input_dtype)
    if conventions.layout == "nhwc":
        operators.add("Transpose", perm=[0, 2, 3, 1])


def _add_after(operators: _Operators, signature: Signature, conventions: Conventions) -> None:
    if conventions.layout == "nhwc":
        operators.add("Transpose", perm=[0, 3, 1, 2])
    operators.current_dtype = "float32" if signature.output_dtype == "uint8" else signature.output_dtype
    operators.cast(operators.dtype)
    operators.crop(conventions.excess)
    known: ValueRange = conventions.output_range
    spans = [w - b for b, w in zip(known.black, known.white, strict=True)]
    operators.affine([1 / span for span in spans], [-b / span for b, span in zip(known.black, spans, strict=True)])
    if conventions.output_reversed:
        operators.add("Gather", operators.constant(np.array([2, 1, 0], np.int64)), axis=1)


@dataclass
class _Operators:
    """A chain of operators in the making.

    Attributes:
        tensor: The tensor at its end.
        prefix: Start of the names of its tensors.
        dtype: Element type of the end that is not the network's.
        opset: Version of ONNX's operators.
        current_dtype: Element type of `tensor`.
    """

    tensor: str
    prefix: str
    dtype: str
    opset: int
    current_dtype: str = ""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.current_dtype = self.current_dtype or self.dtype
        self._first = self.tensor

    def add(self, operator: str, *operands: str, **attributes: Any) -> None:
        """Append an operator on the current tensor."""
        import onnx

        output = f"{self.prefix}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(operator, [self.tensor, *operands], [output], **attributes))
        self.tensor = output

    def constant(self, values: Any) -> str:
        """Add a constant, and return its name."""
        import onnx

        name = f"{self.prefix}_constant_{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(values, name))
        return name

    def affine(self, gains: Any, offsets: Any) -> None:
        """Multiply, then add: a number, or one for each channel."""
        for operator, numbers, neutral in (("Mul", gains, 1), ("Add", offsets, 0)):
            if any(number != neutral for number in numbers):
                self.add(operator, self.constant(np.array(numbers, self.dtype).reshape(1, -1, 1, 1)))

    def pad(self, border: int) -> None:
        """Repeat the pixels of the edges `border` times."""
        pads = [0, 0, border, border] * 2
        if border and self.opset >= _PAD_WITH_INPUTS:
            self.add("Pad", self.constant(np.array(pads, np.int64)), mode="edge")
        elif border:
            self.add("Pad", mode="edge", pads=pads)

    def crop(self, border: int) -> None:
        """Remove `border` pixels from each side."""
        if border and self.opset >= _SLICE_WITH_INPUTS:
            ends = (np.array(values, np.int64) for values in ([border] * 2, [-border] * 2, [2, 3]))
            self.add("Slice", *map(self.constant, ends))
        elif border:
            self.add("Slice", starts=[border] * 2, ends=[-border] * 2, axes=[2, 3])

    def cast(self, dtype: str) -> None:
        """Change the element type, unless it is that already."""
        import onnx

        if dtype != self.current_dtype:
            self.add("Cast", to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
            self.current_dtype = dtype

    def named(self, output: str) -> list[onnx.NodeProto]:
        """The operators, the last of which gives the tensor `output`; one that copies if there are none."""
        if not self.nodes:
            self.add("Identity")
        self.nodes[-1].output[0] = output
        return self.nodes

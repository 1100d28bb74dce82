"""The precision of a network: detection from its ONNX graph, and conversion of the graph.

TensorRT's networks are strongly typed: an operation is computed in the type of its tensors. The graph is therefore
converted tensor by tensor to fp32, fp16 or bf16. tf32 uses the graph of fp32; the GPU rounds the factors of products,
which is an option of the engine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ModelError, error_summary
from pipeline.models.receptive_field import OF_SIZES

if TYPE_CHECKING:
    import onnx

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
CONVERTER_VERSION = 1  # raise it when `convert_precision` gives another graph for the same model

_CODES = {"fp32": 1, "fp16": 10, "bf16": 16}  # onnx.TensorProto.FLOAT, FLOAT16, BFLOAT16: onnx is slow to import
_NAMES = {code: precision for precision, code in _CODES.items()}
_LARGEST = {"fp32": 3.4028235e38, "fp16": 65504.0, "bf16": 3.3895314e38}
_BF16_OPSET, _BF16_IR_VERSION = 22, 10  # the first in which Conv takes bfloat16
_ALWAYS_FP32 = {"Resize": (1, 2), "Upsample": (1,)}  # indices of the inputs that are regions and scales


def detect_precision(model: onnx.ModelProto) -> str:
    """The precision of a network, "fp32", "fp16" or "bf16": the output type of most operations on the image."""
    types = _types(model)
    nodes, _ = _image_operations(model.graph)
    outputs = [types.get(name) for node in nodes for name in node.output if node.op_type != "Cast"]
    inputs = [types.get(tensor.name) for tensor in model.graph.input]
    found = [code for code in outputs if code in _NAMES] or [code for code in inputs if code in _NAMES]
    found = found or [_CODES["fp32"]]
    return _NAMES[Counter(found).most_common(1)[0][0]]


def convert_precision(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """Convert a network to another precision.

    Weights are rounded to nearest, ties to even. Values computed from the image's size alone, and the scales of a
    Resize, keep their type. The converted network has float32 tensors at both ends for "fp32" and "tf32", otherwise
    float16: NumPy has no bfloat16, so a network in bf16 has a Cast at each end.

    Args:
        model: The network; not modified.
        precision: One of PRECISIONS.

    Returns:
        The converted network; `model` itself if it has this precision already.

    Raises:
        ModelError: A weight is beyond the range of the precision, or the graph has branches or loops.
    """
    import onnx

    if precision not in PRECISIONS:
        raise ModelError(f"no precision called {precision!r}; there are {', '.join(PRECISIONS)}")
    target = "fp32" if precision == "tf32" else precision
    if detect_precision(model) == target:
        return model
    if branch := next((n.op_type for n in model.graph.node for a in n.attribute if a.HasField("g")), None):
        raise ModelError(f"{branch} can't be converted to {precision}; export the model in {precision}")
    converted = onnx.ModelProto()
    converted.CopyFrom(model)
    try:
        if target == "bf16":
            converted = _with_bf16_operators(converted)
        _retype(converted, target)
        if target == "bf16":
            _cast_at_both_ends(converted.graph)
        onnx.checker.check_model(converted, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, RuntimeError) as error:
        reason = error_summary(error)
        raise ModelError(f"can't be converted to {precision} ({reason}); export the model in {precision}") from error
    return converted


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """The element type of each tensor that ONNX can infer."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    return {t.name: t.data_type for t in graph.initializer} | {v.name: v.type.tensor_type.elem_type for v in values}


def _image_operations(graph: onnx.GraphProto) -> tuple[list[onnx.NodeProto], set[str]]:
    """The operations on the image's pixels, without those on its size alone, and the names of their tensors."""
    tensors = {tensor.name for tensor in graph.input} - {tensor.name for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type not in OF_SIZES and not tensors.isdisjoint(node.input):
            tensors.update(name for name in node.output if name)
            nodes.append(node)
    return nodes, tensors


def _with_bf16_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    import onnx

    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    raised = model if opset >= _BF16_OPSET else onnx.version_converter.convert_version(model, _BF16_OPSET)
    raised.ir_version = max(raised.ir_version, _BF16_IR_VERSION)
    return raised


def _retype(model: onnx.ModelProto, target: str) -> None:
    """Change the type of the tensors computed from the image's pixels, and of their operands, in place."""
    graph, types = model.graph, _types(model)
    nodes, image_tensors = _image_operations(graph)
    operands: dict[str, list[tuple[onnx.NodeProto, int]]] = defaultdict(list)
    for node in nodes:
        for index, name in enumerate(node.input):
            if (
                types.get(name) in _NAMES
                and name not in image_tensors
                and index not in _ALWAYS_FP32.get(node.op_type, ())
            ):
                operands[name].append((node, index))
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in _NAMES:
                attribute.i = _CODES[target]
    uses, constants = Counter(name for node in graph.node for name in node.input), _constants(graph)
    rounded = {name for name, occurrences in operands.items() if name in constants and uses[name] == len(occurrences)}
    for name, occurrences in operands.items():
        if name in rounded:
            constants[name].CopyFrom(_rounded(constants[name], name, target))
        else:  # computed, or used elsewhere in its own type
            _cast(graph, name, occurrences, target)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.name in image_tensors | rounded and value.type.tensor_type.elem_type in _NAMES:
            value.type.tensor_type.elem_type = _CODES[target]


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Constant", "ConstantOfShape"):
            tensors.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    return tensors


def _rounded(tensor: onnx.TensorProto, name: str, target: str) -> onnx.TensorProto:
    import onnx

    values = onnx.numpy_helper.to_array(tensor).astype(np.float32)
    largest = float(np.abs(values, where=np.isfinite(values), out=np.zeros_like(values)).max(initial=0))
    if largest > _LARGEST[target]:
        raise ModelError(
            f"{name} contains {largest:.4g}; the largest value of {target} is {_LARGEST[target]:.4g}: use fp32"
        )
    bits = _bfloat16(values) if target == "bf16" else values.astype("<f4" if target == "fp32" else "<f2")
    return onnx.helper.make_tensor(tensor.name, _CODES[target], values.shape, bits.tobytes(), raw=True)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    """The upper 16 bits of float32, rounded to nearest, ties to even, as little-endian integers."""
    bits = values.view(np.uint32)
    to_even = np.uint32(0x7FFF) + (bits >> 16 & 1)
    return np.where(np.isnan(values), 0x7FC0, (bits + to_even) >> 16).astype("<u2")


def _cast(graph: onnx.GraphProto, name: str, occurrences: list[tuple[onnx.NodeProto, int]], target: str) -> None:
    import onnx

    cast = onnx.helper.make_node("Cast", [name], [f"{name}.{target}"], to=_CODES[target])
    for node, index in occurrences:
        node.input[index] = cast.output[0]
    first = next(index for index, node in enumerate(graph.node) if cast.output[0] in node.input)
    graph.node.insert(first, cast)


def _cast_at_both_ends(graph: onnx.GraphProto) -> None:
    """Add casts to a network in bf16, so that its input and output are float16."""
    import onnx

    weights = {tensor.name for tensor in graph.initializer}
    inputs = [tensor for tensor in graph.input if tensor.name not in weights]
    inner = {tensor.name: f"{tensor.name}.bf16" for tensor in (*inputs, *graph.output)}
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = inner.get(name, name)
    for tensor in (*inputs, *graph.output):
        tensor.type.tensor_type.elem_type = _CODES["fp16"]
    for tensor in inputs:
        graph.node.insert(0, onnx.helper.make_node("Cast", [tensor.name], [inner[tensor.name]], to=_CODES["bf16"]))
    for tensor in graph.output:
        graph.node.append(onnx.helper.make_node("Cast", [inner[tensor.name]], [tensor.name], to=_CODES["fp16"]))

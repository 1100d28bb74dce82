"""The precision of a network: told from its ONNX graph, and changed there.

TensorRT's networks are strongly typed: they compute in what the graph's tensors are. So the graph is converted, tensor
by tensor, to fp32, fp16 or bf16. tf32 is the graph of fp32, whose factors the GPU rounds: a matter of the engine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ModelError
from pipeline.models.receptive_field import OF_SIZES

if TYPE_CHECKING:
    import onnx

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
CONVERTER = 1  # to be raised when `converted` gives another graph than it did

_CODES = {"fp32": 1, "fp16": 10, "bf16": 16}  # onnx.TensorProto.FLOAT, FLOAT16, BFLOAT16: onnx is slow to import
_NAMES = {code: precision for precision, code in _CODES.items()}
_LARGEST = {"fp32": 3.4028235e38, "fp16": 65504.0, "bf16": 3.3895314e38}
_BF16_OPSET, _BF16_IR_VERSION = 22, 10  # the first in which Conv takes bfloat16
_ALWAYS_FP32 = {"Resize": (1, 2), "Upsample": (1,)}  # regions and scales, by their place among the inputs


def precision_of(model: onnx.ModelProto) -> str:
    """What the network computes in, "fp32", "fp16" or "bf16": what most of its operations on the picture give."""
    types = _types(model)
    nodes, _ = _on_the_picture(model.graph)
    made = [types.get(name) for node in nodes for name in node.output if node.op_type != "Cast"]
    given = [types.get(tensor.name) for tensor in model.graph.input]
    found = [code for code in made if code in _NAMES] or [code for code in given if code in _NAMES] or [_CODES["fp32"]]
    return _NAMES[Counter(found).most_common(1)[0][0]]


def converted(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """The network in another precision; `model` itself, which is never changed, where that is its precision.

    precision: one of PRECISIONS. The result takes and gives float32 if that is "fp32" or "tf32", else float16: NumPy
    has no bfloat16, so a network in bf16 has a Cast at either end. What is computed of the picture's size alone, and
    the scales of a Resize, keep their type. Rounding is to nearest, ties to even.

    Raises ModelError for weights beyond the precision's range, and for graphs with branches or loops.
    """
    import onnx

    if precision not in PRECISIONS:
        raise ModelError(f"no precision called {precision!r}; there are {', '.join(PRECISIONS)}")
    target = "fp32" if precision == "tf32" else precision
    if precision_of(model) == target:
        return model
    if branch := next((n.op_type for n in model.graph.node for a in n.attribute if a.HasField("g")), None):
        raise ModelError(f"{branch} can't be converted to {precision}; export the model in {precision}")
    result = onnx.ModelProto()
    result.CopyFrom(model)
    try:
        if target == "bf16":
            result = _with_bf16_operators(result)
        _retype(result, target)
        if target == "bf16":
            _cast_at_both_ends(result.graph)
        onnx.checker.check_model(result, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"can't be converted to {precision} ({reason}); export the model in {precision}") from error
    return result


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """The element type of each tensor, as far as ONNX can tell."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    return {t.name: t.data_type for t in graph.initializer} | {v.name: v.type.tensor_type.elem_type for v in values}


def _on_the_picture(graph: onnx.GraphProto) -> tuple[list[onnx.NodeProto], set[str]]:
    """The operations on the picture's pixels, other than what asks for its size, and the tensors they take and give."""
    picture = {tensor.name for tensor in graph.input} - {tensor.name for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type not in OF_SIZES and not picture.isdisjoint(node.input):
            picture.update(name for name in node.output if name)
            nodes.append(node)
    return nodes, picture


def _with_bf16_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    import onnx

    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    raised = model if opset >= _BF16_OPSET else onnx.version_converter.convert_version(model, _BF16_OPSET)
    raised.ir_version = max(raised.ir_version, _BF16_IR_VERSION)
    return raised


def _retype(model: onnx.ModelProto, target: str) -> None:
    """Give what is computed of the picture's pixels, and what it is computed with, the type of `target`."""
    graph, types = model.graph, _types(model)
    nodes, picture = _on_the_picture(graph)
    operands: dict[str, list[tuple[onnx.NodeProto, int]]] = defaultdict(list)
    for node in nodes:
        for place, name in enumerate(node.input):
            if types.get(name) in _NAMES and name not in picture and place not in _ALWAYS_FP32.get(node.op_type, ()):
                operands[name].append((node, place))
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in _NAMES:
                attribute.i = _CODES[target]
    uses, constants = Counter(name for node in graph.node for name in node.input), _constants(graph)
    rounded = {name for name, places in operands.items() if name in constants and uses[name] == len(places)}
    for name, places in operands.items():
        if name in rounded:
            constants[name].CopyFrom(_rounded(constants[name], name, target))
        else:  # computed, or used elsewhere as it is
            _cast(graph, name, places, target)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.name in picture | rounded and value.type.tensor_type.elem_type in _NAMES:
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
        raise ModelError(f"{name} holds {largest:.4g}; {target} goes to {_LARGEST[target]:.4g}: use fp32")
    bits = _bfloat16(values) if target == "bf16" else values.astype("<f4" if target == "fp32" else "<f2")
    return onnx.helper.make_tensor(tensor.name, _CODES[target], values.shape, bits.tobytes(), raw=True)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    """The upper 16 bits of float32, rounded to nearest, ties to even, as little-endian integers."""
    bits = values.view(np.uint32)
    to_even = np.uint32(0x7FFF) + (bits >> 16 & 1)
    return np.where(np.isnan(values), 0x7FC0, (bits + to_even) >> 16).astype("<u2")


def _cast(graph: onnx.GraphProto, name: str, places: list[tuple[onnx.NodeProto, int]], target: str) -> None:
    import onnx

    cast = onnx.helper.make_node("Cast", [name], [f"{name}.{target}"], to=_CODES[target])
    for node, place in places:
        node.input[place] = cast.output[0]
    first = next(index for index, node in enumerate(graph.node) if cast.output[0] in node.input)
    graph.node.insert(first, cast)


def _cast_at_both_ends(graph: onnx.GraphProto) -> None:
    """Let a network in bf16 take and give float16."""
    import onnx

    weights = {tensor.name for tensor in graph.initializer}
    given = [tensor for tensor in graph.input if tensor.name not in weights]
    inner = {tensor.name: f"{tensor.name}.bf16" for tensor in (*given, *graph.output)}
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = inner.get(name, name)
    for tensor in (*given, *graph.output):
        tensor.type.tensor_type.elem_type = _CODES["fp16"]
    for tensor in given:
        graph.node.insert(0, onnx.helper.make_node("Cast", [tensor.name], [inner[tensor.name]], to=_CODES["bf16"]))
    for tensor in graph.output:
        graph.node.append(onnx.helper.make_node("Cast", [inner[tensor.name]], [tensor.name], to=_CODES["fp16"]))

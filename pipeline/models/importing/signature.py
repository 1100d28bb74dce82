"""The signature of a network: what its graph shows of its input and its output, before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import ModelError
from pipeline.models.importing.conventions import CHANNEL_ORDERS, LAYOUTS, Overrides
from pipeline.models.spec import HeightWidth

if TYPE_CHECKING:
    import onnx

Dimensions = list[int | None]

_DTYPES = ("float32", "float16", "float64", "uint8")
_COUNTS = (3, 1)  # of channels


@dataclass(frozen=True)
class Signature:
    """Input and output of a network.

    Attributes:
        input: Name of the input tensor.
        output: Name of the output tensor.
        input_dtype: Element type of the input, as NumPy names it.
        output_dtype: Element type of the output.
        forms: The layouts and numbers of channels that the input may have, the likelier first.
        size: (H, W) if the graph declares a single size, otherwise None.
    """

    input: str
    output: str
    input_dtype: str
    output_dtype: str
    forms: tuple[tuple[str, int], ...]
    size: HeightWidth | None


def read_signature(model: onnx.ModelProto, overrides: Overrides) -> Signature:
    """Read the signature of `model`. Raises ModelError, without the file's name, if it can't be an image upscaler's."""
    source, target = input_and_output(model)
    shape = dimensions(source)
    forms = _forms(shape, overrides)
    rows = 2 if forms[0][0] == "nchw" else 1
    height, width = shape[rows : rows + 2]
    input_dtype, output_dtype = _dtype(source, "input"), _dtype(target, "output")
    size = None if height is None or width is None else (height, width)
    return Signature(source.name, target.name, input_dtype, output_dtype, forms, size)


def input_and_output(model: onnx.ModelProto) -> tuple[onnx.ValueInfoProto, onnx.ValueInfoProto]:
    """The only input of `model`, and its only output. Raises ModelError if there are others."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    outputs = list(model.graph.output)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{len(inputs)} inputs and {len(outputs)} outputs; an upscaler has one of each")
    return inputs[0], outputs[0]


def dimensions(tensor: onnx.ValueInfoProto) -> Dimensions:
    """Sizes of a tensor's dimensions; None for those that are free."""
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in _shape(tensor)]


def shape_text(shape: Dimensions) -> str:
    """`(1, 3, any, any)`."""
    return f"({', '.join(str(length or 'any') for length in shape)})"


def _shape(tensor: onnx.ValueInfoProto) -> Any:
    return tensor.type.tensor_type.shape.dim


def _forms(shape: Dimensions, overrides: Overrides) -> tuple[tuple[str, int], ...]:
    text = f"its input is {shape_text(shape)}"
    if len(shape) == 5:
        raise ModelError(f"{text}, several frames at once; networks for single frames, (1, 3, H, W), are supported")
    if len(shape) != 4:
        raise ModelError(f"{text}; (1, 3, H, W) or (1, H, W, 3) of RGB, or one channel of luma, is supported")
    if shape[0] not in (1, None):
        raise ModelError(f"{text}, {shape[0]} images at once; export it with a batch of 1")
    forms = [
        (layout, count)
        for layout, axis, other in (("nchw", 1, 3), ("nhwc", 3, 1))
        for count in _COUNTS
        if shape[axis] == count or (shape[axis] is None and (shape[other] is None or layout == "nchw"))
    ]
    if shape[1] is None and shape[3] in _COUNTS:
        forms = [form for form in forms if form[0] == "nhwc"]
    forms = [form for form in forms if _is_stated(form, overrides)]
    if not forms:
        stated = [f"`model_{name}` {getattr(overrides, name)}" for name in ("layout", "channels")]
        stated = [each for each in stated if not each.endswith(" None")]
        hint = f" and {' and '.join(stated)} was given" if stated else ", several frames or other data in one image"
        raise ModelError(f"{text}{hint}; 3 channels of RGB or 1 of luma are supported")
    return tuple(forms)


def _is_stated(form: tuple[str, int], overrides: Overrides) -> bool:
    """False if `form` contradicts what the user states."""
    layout, count = form
    if overrides.layout not in (None, *LAYOUTS):
        raise ModelError(f"`model_layout` {overrides.layout}: should be one of {', '.join(LAYOUTS)}")
    if overrides.channels not in (None, *CHANNEL_ORDERS):
        raise ModelError(f"`model_channels` {overrides.channels}: should be one of {', '.join(CHANNEL_ORDERS)}")
    return overrides.layout in (None, layout) and (overrides.channels is None or len(overrides.channels) == count)


def _dtype(tensor: onnx.ValueInfoProto, role: str) -> str:
    import onnx

    code = tensor.type.tensor_type.elem_type
    try:
        name = onnx.TensorProto.DataType.Name(code).lower()
    except ValueError:
        name = f"type {code}"
    dtype = {"float": "float32", "double": "float64"}.get(name, name)
    if dtype not in _DTYPES:
        raise ModelError(
            f"its {role} is {name}; float32, float16, float64 and uint8 are supported: export it in float32"
        )
    return str(np.dtype(dtype).name)

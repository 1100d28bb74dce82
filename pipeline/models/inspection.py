"""Inspection of an .onnx file: it must be valid, be an upscaler of images, and run.

The file must have this project's conventions: (1, C, H, W), black is 0, nothing missing at the border. `importing`
rewrites other files. Facts that the graph doesn't show are in the file's metadata: uprez.name, uprez.channels ("rgb",
"bgr" or "y"), uprez.range (the value of white, "1" or "255"), uprez.multiple (of height and width), uprez.licence,
uprez.description.
"""

from __future__ import annotations

import hashlib
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import ModelError, error_summary
from pipeline.models.precision import detect_precision
from pipeline.models.receptive_field import receptive_field_radius, stride
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.system.onnx_runtime import cpu_session

if TYPE_CHECKING:
    import onnx

INSPECTION_VERSION = 5  # raise it when `inspect_model` finds other facts, or other faults, in the same file
_TRIAL_SIZE = (24, 40)
_SCALES = range(1, 9)
_ORDERS = {3: ("rgb", "bgr"), 1: ("y",)}  # by number of channels, the default first


def inspect_model(path: Path) -> ModelSpec:
    """Read a network and run it once on noise.

    Raises:
        ModelError: The file can't be read, is not valid, is not an upscaler, or does not run. The message is one line.
    """
    content = read_model_file(path)
    model = _parse(path, content)
    facts = {p.key.removeprefix("uprez."): p.value for p in model.metadata_props if p.key.startswith("uprez.")}
    source, output = _input_and_output(path, model)
    size = _fixed_size(path, source)
    dtype = _dtype(path, source, output)
    order = _order(path, facts, source)
    multiple = int(_fact(path, facts, "multiple", "1", tuple(map(str, range(1, 65)))))
    trial_size = size or tuple(-(-length // multiple) * multiple for length in _TRIAL_SIZE)
    noise = np.random.default_rng(0).random((1, len(order), *trial_size)).astype(dtype)
    return ModelSpec(
        name=facts.get("name", path.stem),
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        scale=_measure_scale(path, content, source.name, noise),
        dtype=dtype,
        input=source.name,
        output=output.name,
        order=order,
        value_range=float(_fact(path, facts, "range", "1", ("1", "255"))),
        size=size,
        size_multiple=multiple,
        max_channels=max((tensor.dims[0] for tensor in model.graph.initializer if len(tensor.dims) == 4), default=3),
        parameters=sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer),
        licence=facts.get("licence", "unknown"),
        description=facts.get("description", ""),
        precision=detect_precision(model),
        receptive_field_radius=receptive_field_radius(model),
        stride=lcm(stride(model), multiple),
    )


def read_model_file(path: Path) -> bytes:
    """Return the content of a model file. Raises ModelError if it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; `uprez models` lists the models that come with uprez") from error


def _parse(path: Path, content: bytes) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
        if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
            raise ModelError(f"{path}: its weights are stored in other files; save the model as one file")
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = error_summary(error)
        raise ModelError(f"{path}: not a valid ONNX model ({reason})") from error
    return model


def _input_and_output(path: Path, model: onnx.ModelProto) -> tuple[onnx.ValueInfoProto, onnx.ValueInfoProto]:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    outputs = list(model.graph.output)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{path}: {len(inputs)} inputs and {len(outputs)} outputs; an upscaler has one of each")
    return inputs[0], outputs[0]


def _dimensions(tensor: onnx.ValueInfoProto) -> list[int | None]:
    return [d.dim_value if d.HasField("dim_value") else None for d in tensor.type.tensor_type.shape.dim]


def _fixed_size(path: Path, source: onnx.ValueInfoProto) -> HeightWidth | None:
    """(H, W) if the input has a fixed size, None if any size is accepted."""
    shape = _dimensions(source)
    text = "(" + ", ".join(str(d or "any") for d in shape) + ")"
    if len(shape) == 4 and shape[3] == 3 and shape[1] != 3:
        raise ModelError(f"{path}: its input is {text}, channels last; (1, 3, H, W), channels first, is supported")
    if len(shape) != 4 or shape[0] not in (1, None) or shape[1] not in (*_ORDERS, None):
        raise ModelError(
            f"{path}: its input is {text}; (1, 3, H, W), planes of RGB, and (1, 1, H, W), luma, are supported"
        )
    if (shape[2] is None) != (shape[3] is None):
        raise ModelError(f"{path}: its input is {text}; H and W must be both free or both fixed")
    return None if shape[2] is None or shape[3] is None else (shape[2], shape[3])


def _order(path: Path, facts: dict[str, str], source: onnx.ValueInfoProto) -> str:
    """Meaning of the channels: from the metadata, or the default for this number of channels."""
    channels = _dimensions(source)[1]
    allowed = _ORDERS[channels] if channels else tuple(order for orders in _ORDERS.values() for order in orders)
    return _fact(path, facts, "channels", allowed[0], allowed)


def _dtype(path: Path, source: onnx.ValueInfoProto, output: onnx.ValueInfoProto) -> np.dtype[Any]:
    import onnx

    kinds = onnx.TensorProto
    names: dict[int, np.dtype[Any]] = {kinds.FLOAT: np.dtype(np.float32), kinds.FLOAT16: np.dtype(np.float16)}
    codes = [tensor.type.tensor_type.elem_type for tensor in (source, output)]
    if codes[0] != codes[1] or codes[0] not in names:
        types = " to ".join(onnx.TensorProto.DataType.Name(code).lower() for code in codes)
        raise ModelError(f"{path}: converts {types}; float to float and float16 to float16 are supported")
    return names[codes[0]]


def _fact(path: Path, facts: dict[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = facts.get(name, default)
    if value not in allowed:
        raise ModelError(f"{path}: its metadata has uprez.{name} = {value!r}; {_choice(allowed)} is supported")
    return value


def _choice(allowed: tuple[str, ...]) -> str:
    """`rgb or bgr`, or `1 to 64`."""
    return " or ".join(allowed) if len(allowed) < 5 else f"{allowed[0]} to {allowed[-1]}"


def _measure_scale(path: Path, content: bytes, input_name: str, noise: np.ndarray) -> int:
    """Run the network on noise, (1, C, H, W), and return how much larger its output is."""
    _, channels, height, width = noise.shape
    try:
        (output,) = cpu_session(content).run(None, {input_name: noise})
    except Exception as error:  # ONNX Runtime's errors have no common parent
        raise ModelError(f"{path}: does not run on {width}x{height}: {error_summary(error)}") from error
    scale = output.shape[2] // height if output.ndim == 4 else 0
    if scale not in _SCALES or output.shape != (1, channels, scale * height, scale * width):
        raise ModelError(
            f"{path}: converts {noise.shape} to {output.shape}; an upscaler gives (1, {channels}, n H, n W), n = 1 to 8"
        )
    return int(scale)

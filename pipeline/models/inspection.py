"""An .onnx file → ModelSpec, checked: it parses, it is an upscaler of pictures, of RGB or of luma alone, it runs.

What a file can't show by itself it may say in its metadata: uprez.name, uprez.channels ("rgb", "bgr" or "y"),
uprez.range (the value of white, "1" or "255"), uprez.licence, uprez.description.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import ModelError
from pipeline.models.precision import precision_of
from pipeline.models.receptive_field import reach, stride
from pipeline.models.spec import ModelSpec
from pipeline.system.onnx_runtime import load_onnx_runtime

if TYPE_CHECKING:
    import onnx

INSPECTION = 2  # to be raised when `inspect` finds other facts, or other faults, than it did
_TRIAL_SIZE = (24, 40)
_SCALES = (1, 2, 3, 4, 8)
_ORDERS = {3: ("rgb", "bgr"), 1: ("y",)}  # by the number of channels, the usual one first


def inspect(path: Path) -> ModelSpec:
    """Read and try the network in `path`. Raises ModelError, in one line, for whatever is not as it should be."""
    graph_bytes = read(path)
    model = _parsed(path, graph_bytes)
    facts = {p.key.removeprefix("uprez."): p.value for p in model.metadata_props if p.key.startswith("uprez.")}
    given, made = _only_tensors(path, model)
    size = _fixed_size(path, given)
    dtype = _dtype(path, given, made)
    order = _order(path, facts, given)
    return ModelSpec(
        name=facts.get("name", path.stem),
        path=path,
        sha256=hashlib.sha256(graph_bytes).hexdigest(),
        scale=_scale(path, graph_bytes, given.name, dtype, (len(order), *(size or _TRIAL_SIZE))),
        dtype=dtype,
        input=given.name,
        output=made.name,
        order=order,
        value_range=float(_fact(path, facts, "range", "1", ("1", "255"))),
        size=size,
        widest=max((tensor.dims[0] for tensor in model.graph.initializer if len(tensor.dims) == 4), default=3),
        parameters=sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer),
        licence=facts.get("licence", "unknown"),
        description=facts.get("description", ""),
        precision=precision_of(model),
        reach=reach(model),
        stride=stride(model),
    )


def read(path: Path) -> bytes:
    """The file's content. Raises ModelError if it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; `uprez models` lists the names known without a file") from error


def _parsed(path: Path, graph_bytes: bytes) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(graph_bytes)
        if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
            raise ModelError(f"{path}: its weights lie in other files; save the model as one file")
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: not a valid ONNX model ({reason})") from error
    return model


def _only_tensors(path: Path, model: onnx.ModelProto) -> tuple[Any, Any]:
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [tensor for tensor in model.graph.input if tensor.name not in weights]
    made = list(model.graph.output)
    if len(given) != 1 or len(made) != 1:
        raise ModelError(f"{path}: {len(given)} inputs and {len(made)} outputs; an upscaler has one of each")
    return given[0], made[0]


def _dimensions(tensor: Any) -> list[int | None]:
    return [d.dim_value if d.HasField("dim_value") else None for d in tensor.type.tensor_type.shape.dim]


def _fixed_size(path: Path, given: Any) -> tuple[int, int] | None:
    shape = _dimensions(given)
    shown = "(" + ", ".join(str(d or "any") for d in shape) + ")"
    if len(shape) == 4 and shape[3] == 3 and shape[1] != 3:
        raise ModelError(f"{path}: takes {shown}, channels last; frames come as (1, 3, H, W), channels first")
    if len(shape) != 4 or shape[0] not in (1, None) or shape[1] not in (*_ORDERS, None):
        raise ModelError(f"{path}: takes {shown}; frames come as (1, 3, H, W), RGB in planes, or (1, 1, H, W), luma")
    if (shape[2] is None) != (shape[3] is None):
        raise ModelError(f"{path}: takes {shown}; both H and W must be free, or both fixed")
    return None if shape[2] is None or shape[3] is None else (shape[2], shape[3])


def _order(path: Path, facts: dict[str, str], given: Any) -> str:
    """What the channels are: as the file says, or what is usual for as many as it takes."""
    channels = _dimensions(given)[1]
    allowed = _ORDERS[channels] if channels else tuple(order for orders in _ORDERS.values() for order in orders)
    return _fact(path, facts, "channels", allowed[0], allowed)


def _dtype(path: Path, given: Any, made: Any) -> np.dtype[Any]:
    import onnx

    kinds = onnx.TensorProto
    names: dict[int, np.dtype[Any]] = {kinds.FLOAT: np.dtype(np.float32), kinds.FLOAT16: np.dtype(np.float16)}
    codes = [tensor.type.tensor_type.elem_type for tensor in (given, made)]
    if codes[0] != codes[1] or codes[0] not in names:
        seen = " to ".join(onnx.TensorProto.DataType.Name(code).lower() for code in codes)
        raise ModelError(f"{path}: goes from {seen}; float to float or float16 to float16 is supported")
    return names[codes[0]]


def _fact(path: Path, facts: dict[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = facts.get(name, default)
    if value not in allowed:
        raise ModelError(f"{path}: its metadata says uprez.{name} = {value!r}; {' or '.join(allowed)} is supported")
    return value


def _scale(path: Path, graph_bytes: bytes, given: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    ort = load_onnx_runtime()

    options = ort.SessionOptions()
    options.log_severity_level = 4
    channels, height, width = shape
    picture = np.random.default_rng(0).random((1, *shape)).astype(dtype)
    try:
        session = ort.InferenceSession(graph_bytes, options, providers=["CPUExecutionProvider"])
        (result,) = session.run(None, {given: picture})
    except Exception as error:  # ONNX Runtime's errors have no common parent
        raise ModelError(f"{path}: does not run on {width}x{height}: {str(error).splitlines()[0]}") from error
    scale = result.shape[2] // height if result.ndim == 4 else 0
    if scale not in _SCALES or result.shape != (1, channels, scale * height, scale * width):
        raise ModelError(
            f"{path}: turns (1, {channels}, {height}, {width}) into {result.shape}; "
            f"an upscaler gives (1, {channels}, n H, n W), n = 1, 2, 3, 4 or 8"
        )
    return int(scale)

"""Is an engine right? What it makes of a textured picture, beside what ONNX Runtime makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.psnr import psnr
from pipeline.colour.resample import bicubic
from pipeline.errors import BackendError, ModelError
from pipeline.models.spec import ModelSpec
from pipeline.system.onnx_runtime import load_onnx_runtime

LEAST_DECIBELS = 40.0
_SIDE = 96  # of the part that is compared: enough texture, and soon done on a CPU
_BLACK = 1e-3  # of white: a picture that spans less holds nothing

Run = Callable[[NDArray[Any]], NDArray[Any]]


def check(model: ModelSpec, run: Run, height: int, width: int) -> float:
    """Run `run`, (1, C, H, W) → (1, C, scale H, scale W), on texture; gives the PSNR against ONNX Runtime, in dB.

    A part is compared that is as far from the edges of what ONNX Runtime sees as the network reaches; all of the
    picture where its reach isn't known, or it takes one size only. Raises BackendError where the result is not finite,
    black, or under 40 dB.
    """
    picture = textured(height, width, model)
    made = run(picture)
    if not np.isfinite(made).all():
        raise BackendError(_refused(model, "its output is not finite"))
    if float(made.max()) - float(made.min()) < _BLACK * model.value_range:
        raise BackendError(_refused(model, "its output is one colour"))
    reach = None if model.size else model.receptive_field_radius
    parts = [_part(length, reach) for length in (height, width)]
    seen = [_seen(part, reach or 0, model.stride, length) for part, length in zip(parts, (height, width), strict=True)]
    expected = reference(model, np.ascontiguousarray(picture[:, :, *seen]))
    outer = [_enlarged(part, 0, model.scale) for part in parts]
    inner = [_enlarged(part, around.start, model.scale) for part, around in zip(parts, seen, strict=True)]
    decibels = psnr(made[:, :, *outer], expected[:, :, *inner], peak=model.value_range)
    if not decibels >= LEAST_DECIBELS:  # NaN is not
        raise BackendError(_refused(model, f"{decibels:.1f} dB beside ONNX Runtime, {LEAST_DECIBELS:g} are asked for"))
    return decibels


def textured(height: int, width: int, model: ModelSpec) -> NDArray[Any]:
    """A picture of soft shapes and grain, (1, C, H, W), of the model's dtype, 0 to white."""
    rng = np.random.default_rng(0)
    coarse = rng.random((model.channels, height // 16 + 4, width // 16 + 4)).astype(np.float32)
    shapes = np.stack([np.asarray(bicubic(plane, height, width)) for plane in coarse])
    grain = rng.standard_normal((model.channels, height, width)).astype(np.float32) * 0.05
    return np.asarray((np.clip(shapes + grain, 0, 1) * model.value_range).astype(model.dtype)[None])


def reference(model: ModelSpec, picture: NDArray[Any]) -> NDArray[np.float64]:
    """What ONNX Runtime on the CPU makes of `picture`, by the file that the model's precision came from."""
    ort = load_onnx_runtime()

    options = ort.SessionOptions()
    options.log_severity_level = 4
    path = model.reference or model.path
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        dtype = np.float16 if "float16" in session.get_inputs()[0].type else np.float32
        (result,) = session.run(None, {session.get_inputs()[0].name: picture.astype(dtype)})
    except Exception as error:  # ONNX Runtime's errors have no common parent
        raise ModelError(
            f"{path}: ONNX Runtime can't run it to check its engine: {str(error).splitlines()[0]}"
        ) from error
    return np.asarray(result, np.float64)


def _part(length: int, reach: int | None) -> slice:
    """Which pixels of a side are compared."""
    side = length if reach is None else min(length, _SIDE)
    start = (length - side) // 2
    return slice(start, start + side)


def _seen(part: slice, around: int, stride: int, length: int) -> slice:
    """What ONNX Runtime must see of a side, so that `part` comes out as in the whole."""
    start = max(0, part.start - around) // stride * stride
    return slice(start, min(length, -(-(part.stop + around) // stride) * stride))


def _enlarged(part: slice, start: int, scale: int) -> slice:
    """`part` in the output of what begins at `start`."""
    return slice(scale * (part.start - start), scale * (part.stop - start))


def _refused(model: ModelSpec, reason: str) -> str:
    return f"the engine of {model.name} is not right ({reason}) and is not used: try another --precision or --engine"

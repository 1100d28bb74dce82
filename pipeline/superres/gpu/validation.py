"""Validation of a new engine: its output for a textured image is compared with that of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.psnr import psnr
from pipeline.colour.resample import bicubic
from pipeline.errors import BackendError, ModelError
from pipeline.models.spec import ModelSpec
from pipeline.system.onnx_runtime import load_onnx_runtime

LEAST_DECIBELS = 40.0
_SIDE = 96  # of the part that is compared: enough texture, and fast on a CPU
_LEAST_SPAN = 1e-3  # of white: an output that spans less is a single colour

RunNetwork = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class ReferencePart:
    """A part of a network's output, computed by ONNX Runtime, that the outputs of engines are compared with.

    Attributes:
        rows: Rows of the output.
        columns: Columns of the output.
        expected: The output there, (1, C, rows, columns).
    """

    rows: slice
    columns: slice
    expected: NDArray[np.float64]

    def of(self, output: NDArray[Any]) -> NDArray[Any]:
        """The same part of an engine's output, (1, C, scale H, scale W)."""
        return output[:, :, self.rows, self.columns]


def reference_part(model: ModelSpec, image: NDArray[Any]) -> ReferencePart:
    """Compute the middle of the output for `image`, (1, C, H, W), in ONNX Runtime on the CPU.

    ONNX Runtime gets the middle of the image with a border of the receptive field's radius. The output is complete if
    the radius is unknown, or the network accepts a single size.

    Raises:
        ModelError: ONNX Runtime can't run the network.
    """
    radius = None if model.size else model.receptive_field_radius
    size = image.shape[2:]
    parts = [_part(length, radius) for length in size]
    contexts = [_context(part, radius or 0, model.stride, length) for part, length in zip(parts, size, strict=True)]
    expected = reference_output(model, np.ascontiguousarray(image[:, :, *contexts]))
    inner = [_enlarged(part, context.start, model.scale) for part, context in zip(parts, contexts, strict=True)]
    rows, columns = (_enlarged(part, 0, model.scale) for part in parts)
    return ReferencePart(rows, columns, expected[:, :, *inner])


def validate_engine(model: ModelSpec, run: RunNetwork, height: int, width: int) -> float:
    """Compare an engine with ONNX Runtime on the CPU.

    Args:
        model: The network that the engine was built from.
        run: The engine, from (1, C, H, W) to (1, C, scale H, scale W).
        height: Height of the images that the engine supports.
        width: Width of the images that the engine supports.

    Returns:
        The PSNR in dB.

    Raises:
        BackendError: The output is not finite, is a single colour, or has less than LEAST_DECIBELS.
    """
    image = textured_image(height, width, model)
    output = run(image)
    if not np.isfinite(output).all():
        raise BackendError(_refusal(model, "its output is not finite"))
    if float(output.max()) - float(output.min()) < _LEAST_SPAN * model.value_range:
        raise BackendError(_refusal(model, "its output is a single colour"))
    part = reference_part(model, image)
    decibels = psnr(part.of(output), part.expected, peak=model.value_range)
    if not decibels >= LEAST_DECIBELS:  # also if it is not a number
        raise BackendError(
            _refusal(model, f"{decibels:.1f} dB compared with ONNX Runtime, {LEAST_DECIBELS:g} are required")
        )
    return decibels


def textured_image(height: int, width: int, model: ModelSpec) -> NDArray[Any]:
    """An image of smooth shapes and grain for tests: (1, C, H, W) of the model's dtype and value range."""
    rng = np.random.default_rng(0)
    coarse = rng.random((model.channels, height // 16 + 4, width // 16 + 4)).astype(np.float32)
    shapes = np.stack([np.asarray(bicubic(plane, height, width)) for plane in coarse])
    grain = rng.standard_normal((model.channels, height, width)).astype(np.float32) * 0.05
    return np.asarray((np.clip(shapes + grain, 0, 1) * model.value_range).astype(model.dtype)[None])


def reference_output(model: ModelSpec, image: NDArray[Any]) -> NDArray[np.float64]:
    """Run a network in ONNX Runtime on the CPU: the file that it was converted from, if it was converted.

    Args:
        model: The network.
        image: (1, C, H, W).

    Raises:
        ModelError: ONNX Runtime can't run the file.
    """
    ort = load_onnx_runtime()

    options = ort.SessionOptions()
    options.log_severity_level = 4
    path = model.reference or model.path
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        dtype = np.float16 if "float16" in session.get_inputs()[0].type else np.float32
        (output,) = session.run(None, {session.get_inputs()[0].name: image.astype(dtype)})
    except Exception as error:  # ONNX Runtime's errors have no common parent
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: ONNX Runtime can't run it to validate its engine: {reason}") from error
    return np.asarray(output, np.float64)


def _part(length: int, radius: int | None) -> slice:
    """The pixels of a side that are compared."""
    side = length if radius is None else min(length, _SIDE)
    start = (length - side) // 2
    return slice(start, start + side)


def _context(part: slice, radius: int, stride: int, length: int) -> slice:
    """The pixels of a side that ONNX Runtime needs in order to compute `part` as in the complete image."""
    start = max(0, part.start - radius) // stride * stride
    return slice(start, min(length, -(-(part.stop + radius) // stride) * stride))


def _enlarged(part: slice, start: int, scale: int) -> slice:
    """`part` in the output of an image that begins at `start`."""
    return slice(scale * (part.start - start), scale * (part.stop - start))


def _refusal(model: ModelSpec, reason: str) -> str:
    return f"the engine of {model.name} is wrong ({reason}) and is not used: try another `precision` or `engine`"

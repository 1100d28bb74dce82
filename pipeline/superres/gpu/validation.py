"""Validation of a new engine: its output for a textured image is compared with that of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendError, ModelError, error_summary
from pipeline.models.spec import ModelSpec
from pipeline.superres.output_check import measure_agreement, require_finite, textured_image
from pipeline.system.onnx_runtime import cpu_session

LEAST_DECIBELS = 40.0
_SIDE = 96  # of the part that is compared: enough texture, and fast on a CPU

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
        BackendError: The output is not finite, is a single colour where ONNX Runtime's is not, or has less than
            LEAST_DECIBELS.
    """
    image = textured_image(height, width, model)
    output = run(image)
    try:
        require_finite(output)
        part = reference_part(model, image)
        return measure_agreement(part.of(output), part.expected, model, LEAST_DECIBELS)
    except BackendError as error:
        raise BackendError(
            f"the engine of {model.name} is wrong ({error}) and is not used: try another `precision` or `engine`"
        ) from error


def reference_output(model: ModelSpec, image: NDArray[Any]) -> NDArray[np.float64]:
    """Run a network in ONNX Runtime on the CPU: the file that it was converted from, if it was converted.

    Args:
        model: The network.
        image: (1, C, H, W).

    Raises:
        ModelError: ONNX Runtime can't run the file.
    """
    path = model.reference or model.path
    try:
        session = cpu_session(str(path))
        dtype = np.float16 if "float16" in session.get_inputs()[0].type else np.float32
        (output,) = session.run(None, {session.get_inputs()[0].name: image.astype(dtype)})
    except Exception as error:  # ONNX Runtime's errors have no common parent
        raise ModelError(f"{path}: ONNX Runtime can't run it to validate its engine: {error_summary(error)}") from error
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

"""Checks of an implementation of a network: a textured image as its input, and what makes its output wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.psnr import psnr
from pipeline.colour.resample import bicubic
from pipeline.errors import BackendError
from pipeline.models.spec import ModelSpec

_SAMPLED = 16  # every 16th row and column
_TEXTURED = 0.1  # of white: a frame that spans more is no single colour
_LEAST_SPAN = 1e-3  # of white: an output that spans less is a single colour


def textured_image(height: int, width: int, model: ModelSpec) -> NDArray[Any]:
    """An image of smooth shapes and grain for tests: (1, C, H, W) of the model's dtype and value range."""
    rng = np.random.default_rng(0)
    coarse = rng.random((model.channels, height // 16 + 4, width // 16 + 4)).astype(np.float32)
    shapes = np.stack([np.asarray(bicubic(plane, height, width)) for plane in coarse])
    grain = rng.standard_normal((model.channels, height, width)).astype(np.float32) * 0.05
    return np.asarray((np.clip(shapes + grain, 0, 1) * model.value_range).astype(model.dtype)[None])


def require_finite(output: NDArray[Any]) -> None:
    """Raise BackendError, with the reason alone, if an output has values that are not finite."""
    if not np.isfinite(output).all():
        raise BackendError("its output is not finite")


def check_upscaled(output: NDArray[Any], source: NDArray[Any], model: ModelSpec) -> None:
    """Check what a network made of a frame, at little cost: it can fail on some frames alone, as fp16 overflows.

    Args:
        output: The upscaled frame.
        source: The frame.
        model: The network.

    Raises:
        BackendError: The output is not finite, or a single colour although the frame is not.
    """
    if not np.isfinite(np.sum(output, dtype=np.float32)):  # a value that is not finite makes the sum so
        raise BackendError(f"{model.name}: its output is not finite for this frame; try `precision=fp32`")
    is_flat = _span(output[..., ::_SAMPLED, ::_SAMPLED]) < _LEAST_SPAN * model.value_range
    if is_flat and _span(source) > _TEXTURED * model.value_range and _span(output) < _LEAST_SPAN * model.value_range:
        raise BackendError(f"{model.name}: its output is a single colour for a frame that is not")


def measure_agreement(output: NDArray[Any], expected: NDArray[Any], model: ModelSpec, least: float) -> float:
    """Compare an output for a textured image with that of ONNX Runtime on the CPU.

    Args:
        output: The output, or a part of it.
        expected: The same of ONNX Runtime, of the same shape.
        model: The network.
        least: The required PSNR in dB.

    Returns:
        The PSNR in dB.

    Raises:
        BackendError: The output is not finite, is a single colour where ONNX Runtime's is not, or has less than
            `least`. The message is the reason alone.
    """
    require_finite(output)
    if _span(output) < _LEAST_SPAN * model.value_range <= _span(expected):
        raise BackendError("its output is a single colour")
    decibels = psnr(output, expected, peak=model.value_range)
    if not decibels >= least:  # also if it is not a number
        raise BackendError(f"{decibels:.1f} dB compared with ONNX Runtime, {least:g} are required")
    return decibels


def _span(values: NDArray[Any]) -> float:
    """The difference between the largest and the smallest value."""
    return float(values.max()) - float(values.min())

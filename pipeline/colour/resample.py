"""Antialiased bicubic resampling: to the output's size, for chroma and alpha, and as the baseline of networks.

The kernel is Keys' cubic convolution with a = -0.5 (R. Keys, "Cubic convolution interpolation for digital image
processing", IEEE Transactions on Acoustics, Speech, and Signal Processing, 1981). When shrinking, the kernel is
stretched by the factor, which makes it a low-pass filter too, as in MATLAB's imresize and the published figures of
Set5. Edges are replicated.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_KEYS_A = -0.5
_SUPPORT = 2.0


def bicubic(image: NDArray[np.floating], height: int, width: int) -> NDArray[np.floating]:
    """Resample an image.

    Args:
        image: (H, W) or (H, W, C), of any float dtype and range.
        height: Rows of the output.
        width: Columns of the output.

    Returns:
        The resampled image, of the same dtype. Not clamped: bicubic overshoots at edges.
    """
    rows = resample_axis(image, height, 0, image.shape[0] / height)
    return resample_axis(rows, width, 1, image.shape[1] / width)


def resampled(tensor: NDArray[np.floating], height: int, width: int) -> NDArray[np.floating]:
    """Resample the output of a network.

    Args:
        tensor: (C, H, W), of any float dtype and range.
        height: Rows of the output.
        width: Columns of the output.

    Returns:
        (C, height, width), in float32, or float64 for float64; `tensor` itself if it has that size.
    """
    _, rows, columns = tensor.shape
    if (rows, columns) == (height, width):
        return tensor
    tensor = tensor.astype(np.promote_types(tensor.dtype, np.float32), copy=False)
    across = resample_axis(tensor, width, 2, columns / width)
    return resample_axis(across, height, 1, rows / height)


def blend_with_source(enlarged: NDArray[np.floating], source: NDArray[np.floating], strength: float) -> None:
    """Blend a network's output with its resampled input, in place: strength · output + (1 - strength) · input.

    Args:
        enlarged: Output of a network, (C, scale H, scale W); written to.
        source: Input of the network, (C, H, W), with the same value range.
        strength: Share of the output, 0 to 1.
    """
    exact = np.promote_types(enlarged.dtype, np.float32)
    blended = resampled(source, *enlarged.shape[1:]) * exact.type(1 - strength)
    blended += enlarged.astype(exact, copy=False) * exact.type(strength)
    enlarged[:] = blended


def resample_axis(
    image: NDArray[np.floating], length: int, axis: int, ratio: float, shift: float = 0.0
) -> NDArray[np.floating]:
    """Resample an array along one axis.

    Args:
        image: Array of any float dtype and range.
        length: Number of output samples.
        axis: Axis to resample.
        ratio: Distance between two output samples, in input samples.
        shift: Distance of the output grid's edge from the input grid's edge, in input samples.
    """
    if ratio == 1 and shift == 0 and image.shape[axis] == length:
        return image
    taps, weights = _filter(image.shape[axis], length, ratio, shift)
    weights = weights.astype(image.dtype).reshape(*weights.shape, *(1,) * (image.ndim - 1 - axis))
    output = np.zeros((*image.shape[:axis], length, *image.shape[axis + 1 :]), image.dtype)
    for tap in range(taps.shape[1]):
        part = image.take(taps[:, tap], axis)
        part *= weights[:, tap]
        output += part
    return output


@lru_cache(maxsize=32)
def _filter(source: int, target: int, ratio: float, shift: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The source samples that contribute to each target sample, and their weights: two arrays of (target, taps)."""
    stretch = max(ratio, 1.0)
    centres = (np.arange(target) + 0.5) * ratio - 0.5 + shift
    first = np.floor(centres - _SUPPORT * stretch).astype(np.intp) + 1
    taps = first[:, None] + np.arange(int(np.ceil(2 * _SUPPORT * stretch)))
    weights = _keys((centres[:, None] - taps) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    return taps.clip(0, source - 1), weights


def _keys(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(x)
    near = (_KEYS_A + 2) * x**3 - (_KEYS_A + 3) * x**2 + 1
    far = _KEYS_A * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))

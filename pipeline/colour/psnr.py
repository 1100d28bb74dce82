"""Peak signal-to-noise ratio, and the luma on which published figures are measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LUMA_601 = (65.481, 128.553, 24.966)  # Y' of BT.601 in limited range, less 16, of R', G' and B' in 0..1


def luma(image: NDArray[Any], peak: float = 255) -> NDArray[np.float64]:
    """Luma of BT.601 in limited range, 16..235, of an RGB image: what published PSNR figures are measured on.

    Args:
        image: (H, W, 3), of any dtype.
        peak: Value of white in `image`.

    Returns:
        (H, W) float64.
    """
    return np.asarray(image.astype(np.float64) @ (np.array(LUMA_601) / peak) + 16)


def psnr(a: NDArray[Any], b: NDArray[Any], border: int = 0, peak: float = 255) -> float:
    """Peak signal-to-noise ratio of two arrays, in dB; infinity if they are equal.

    Args:
        a: Samples of any shape and dtype.
        b: Samples of the same shape.
        border: Rows and columns to leave out at each edge of the first two axes.
        peak: Value of white.

    Raises:
        ValueError: The shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"psnr of {a.shape} and {b.shape}: the shapes must be the same")
    inner = (slice(border, -border),) * 2 if border else ...
    error = float(np.mean((a[inner].astype(np.float64) - b[inner].astype(np.float64)) ** 2))
    return psnr_of_error(error, peak)


def psnr_of_error(mean_squared_error: float, peak: float = 255) -> float:
    """PSNR in dB of a mean squared error that was computed elsewhere: over several frames, or on a GPU.

    PSNR = 10 log10(peak² / error), and infinity where the error is 0.
    """
    return float("inf") if mean_squared_error == 0 else float(10 * np.log10(peak**2 / mean_squared_error))

"""PSNR of images, and the luma that published figures are taken on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LUMA_601 = np.array([65.481, 128.553, 24.966])  # BT.601 limited range, of RGB 0..1


def luma(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Y of BT.601, 16..235, of an (H, W, 3) RGB picture of 8 bit: what published figures are taken on."""
    return np.asarray(picture.astype(np.float64) @ (_LUMA_601 / 255) + 16)


def psnr(a: NDArray[Any], b: NDArray[Any], border: int = 0, peak: float = 255) -> float:
    """Peak signal-to-noise ratio in dB of two arrays of one shape, a `border` of pixels cut off; inf where equal."""
    if a.shape != b.shape:
        raise ValueError(f"psnr of {a.shape} and {b.shape}: the shapes must be the same")
    inner = (slice(border, -border or None),) * 2
    error = np.mean((a[inner].astype(np.float64) - b[inner].astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))

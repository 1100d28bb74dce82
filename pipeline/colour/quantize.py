"""Quantization of floats to code values: optional dither, rounding to nearest even, clamping.

The dither is ordered, with 64 thresholds (B. E. Bayer, "An optimum method for two-level rendition of continuous-tone
pictures", IEEE International Conference on Communications, 1973). The pattern is the same in every frame, so nothing
flickers. Thresholds are within ±63/128 of a level, so a value that is already a code value is not changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import PixelFormat, Plane


def _ranks(doublings: int) -> NDArray[np.intp]:
    ranks = np.zeros((1, 1), np.intp)
    for _ in range(doublings):
        ranks = np.block([[4 * ranks, 4 * ranks + 2], [4 * ranks + 3, 4 * ranks + 1]])
    return ranks


BAYER = (2.0 * _ranks(3) - 63) / 128  # (8, 8), in levels: -63/128 to 63/128, with a mean of 0


def quantize(samples: NDArray[Any], target: Plane, pixel: PixelFormat, highest: int, dither: bool = False) -> None:
    """Round samples to code values.

    Args:
        samples: Floats in levels, (rows, columns). Overwritten.
        target: Plane to write to, or a band of one that begins at a multiple of 8 rows.
        pixel: Pixel format of the plane.
        highest: Largest code value.
        dither: Add ordered dither before rounding.
    """
    if dither:
        columns = samples.shape[1]
        for row, thresholds in enumerate(BAYER.astype(samples.dtype)):
            samples[row :: len(BAYER)] += np.resize(thresholds, columns)
    np.rint(samples, out=samples)
    np.clip(samples, 0, highest, out=samples)
    if pixel.shift:
        np.left_shift(samples.astype(target.dtype), pixel.shift, out=target)
    else:
        np.copyto(target, samples, casting="unsafe")

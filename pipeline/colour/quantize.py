"""From floats to code values: rounded to even and clamped; before that dithered, where depth is lost.

The dither is ordered: of 64 thresholds (B. E. Bayer, "An optimum method for two-level rendition of continuous-tone
pictures", IEEE International Conference on Communications, 1973), the same in every frame, so that nothing flickers.
They lie within half a level less 1/128, so that what is a code value already stays one.
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


BAYER = (2.0 * _ranks(3) - 63) / 128  # in levels: -63/128 to 63/128, of mean 0


def store(samples: NDArray[Any], target: Plane, pixel: PixelFormat, highest: int, dither: bool = False) -> None:
    """Round `samples`, floats in levels, into `target`, a plane or a band of one that begins at a multiple of 8 rows.

    highest: the largest code value. `samples` are written over.
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

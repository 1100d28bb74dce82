"""Chroma between its own grid and that of luma, filtered where it is sited.

Along one axis, with two luma samples a chroma sample, chroma i lies at luma 2i ("co-sited": horizontally for
Siting.LEFT and TOP_LEFT, vertically for TOP_LEFT) or at 2i + 0.5 (midway: everything else). Up is linear
interpolation (weights 1 and 1/2, or 3/4 and 1/4); down is [1 2 1] / 4 where co-sited, the mean of two where midway.
Edges are replicated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import Siting

Samples = NDArray[np.floating]


def cosited(siting: Siting) -> tuple[bool, bool]:
    """Whether chroma lies on a luma sample, (horizontally, vertically), where it is subsampled."""
    return siting in (Siting.LEFT, Siting.TOP_LEFT), siting is Siting.TOP_LEFT


def double(samples: Samples, length: int, axis: int, cosited: bool) -> Samples:
    """Interpolate (H, W) `samples` along `axis` to the grid of luma, `length` long (odd lengths lose the last)."""
    samples = samples.swapaxes(0, axis)
    result = np.empty((2 * samples.shape[0], *samples.shape[1:]), samples.dtype)
    even, odd = result[0::2], result[1::2]
    if cosited:
        even[:] = samples
        np.add(samples[:-1], samples[1:], out=odd[:-1])
        odd[:-1] *= 0.5
        odd[-1] = samples[-1]
    else:
        three_quarters, quarter = samples * 0.75, samples * 0.25
        np.add(three_quarters[1:], quarter[:-1], out=even[1:])
        np.add(three_quarters[:-1], quarter[1:], out=odd[:-1])
        even[0], odd[-1] = samples[0], samples[-1]
    return result[:length].swapaxes(0, axis)


def halve(samples: Samples, axis: int, cosited: bool) -> Samples:
    """Filter (H, W) `samples` along `axis` down to the chroma grid (odd lengths round up)."""
    samples = samples.swapaxes(0, axis)
    if samples.shape[0] % 2:
        samples = np.concatenate([samples, samples[-1:]])
    even, odd = samples[0::2], samples[1::2]
    if cosited:
        result = even * 0.5
        odd = odd * 0.25
        result += odd
        result[1:] += odd[:-1]
        result[0] += even[0] * 0.25
    else:
        result = even + odd
        result *= 0.5
    return result.swapaxes(0, axis)

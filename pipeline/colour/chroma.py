"""Chroma between its own grid and that of luma, filtered where it is sited.

Along one axis, with two luma samples a chroma sample, chroma i lies at luma 2i + phase / 2 (Siting.phases): on the
first of them (phase 0), midway (1) or on the second (2). Up is linear interpolation (weights 1 and 1/2, or 3/4 and
1/4); down is [1 2 1] / 4 where chroma lies on a luma sample, the mean of two where midway. Edges are replicated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import FrameFormat

Samples = NDArray[Any]  # of floats


def upsampled(chroma: Samples, format: FrameFormat) -> Samples:
    """A chroma plane of `format` on the grid of luma: (height, width), of its own dtype."""
    across, down = format.colour.siting.phases
    if format.pixel.sub_y:
        chroma = double(chroma, format.height, 0, down)
    if format.pixel.sub_x:
        chroma = double(chroma, format.width, 1, across)
    return chroma


def downsampled(chroma: Samples, format: FrameFormat) -> Samples:
    """What lies on the grid of luma, (height, width), as a chroma plane of `format`."""
    across, down = format.colour.siting.phases
    if format.pixel.sub_y:
        chroma = halve(chroma, 0, down)
    if format.pixel.sub_x:
        chroma = halve(chroma, 1, across)
    return chroma


def double(samples: Samples, length: int, axis: int, phase: int) -> Samples:
    """Interpolate (H, W) `samples` along `axis` to the grid of luma, `length` long (odd lengths lose the last)."""
    samples = samples.swapaxes(0, axis)
    result = np.empty((2 * samples.shape[0], *samples.shape[1:]), samples.dtype)
    even, odd = result[0::2], result[1::2]
    if phase == 0:
        even[:] = samples
        np.add(samples[:-1], samples[1:], out=odd[:-1])
        odd[:-1] *= 0.5
        odd[-1] = samples[-1]
    elif phase == 1:
        three_quarters, quarter = samples * 0.75, samples * 0.25
        np.add(three_quarters[1:], quarter[:-1], out=even[1:])
        np.add(three_quarters[:-1], quarter[1:], out=odd[:-1])
        even[0], odd[-1] = samples[0], samples[-1]
    else:
        odd[:] = samples
        np.add(samples[:-1], samples[1:], out=even[1:])
        even[1:] *= 0.5
        even[0] = samples[0]
    return result[:length].swapaxes(0, axis)


def halve(samples: Samples, axis: int, phase: int) -> Samples:
    """Filter (H, W) `samples` along `axis` down to the chroma grid (odd lengths round up)."""
    samples = samples.swapaxes(0, axis)
    if samples.shape[0] % 2:
        samples = np.concatenate([samples, samples[-1:]])
    even, odd = samples[0::2], samples[1::2]
    if phase == 1:
        result = even + odd
        result *= 0.5
    elif phase == 0:
        result = even * 0.5
        odd = odd * 0.25
        result += odd
        result[1:] += odd[:-1]
        result[0] += even[0] * 0.25
    else:
        result = odd * 0.5
        even = even * 0.25
        result += even
        result[:-1] += even[1:]
        result[-1] += odd[-1] * 0.25
    return result.swapaxes(0, axis)

"""Chroma filters between the subsampled grid and the luma grid, aware of chroma siting.

Along one axis with two luma samples per chroma sample, chroma sample i is at luma position 2i + phase / 2
(Siting.phases): on the first luma sample (phase 0), midway (1), or on the second (2). Upsampling is linear
interpolation, with weights 1 and 1/2, or 3/4 and 1/4. Downsampling is [1 2 1] / 4 where chroma is on a luma sample, and
the mean of two samples where it is midway. Edges are replicated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import FrameFormat

Samples = NDArray[Any]  # of floats


def upsample(chroma: Samples, format: FrameFormat) -> Samples:
    """Interpolate a chroma plane of `format` to the luma grid: (height, width), of the same dtype."""
    across, down = format.colour.siting.phases
    if format.pixel.sub_y:
        chroma = upsample_axis(chroma, format.height, 0, down)
    if format.pixel.sub_x:
        chroma = upsample_axis(chroma, format.width, 1, across)
    return chroma


def downsample(chroma: Samples, format: FrameFormat) -> Samples:
    """Filter chroma on the luma grid, (height, width), down to a chroma plane of `format`."""
    across, down = format.colour.siting.phases
    if format.pixel.sub_y:
        chroma = downsample_axis(chroma, 0, down)
    if format.pixel.sub_x:
        chroma = downsample_axis(chroma, 1, across)
    return chroma


def upsample_axis(samples: Samples, length: int, axis: int, phase: int) -> Samples:
    """Interpolate samples along one axis to the luma grid.

    Args:
        samples: (H, W) chroma samples.
        length: Number of luma samples along the axis; of an odd length, the last interpolated sample is dropped.
        axis: 0 or 1.
        phase: Position of chroma after the first of two luma samples, in halves of their distance: 0, 1 or 2.
    """
    samples = samples.swapaxes(0, axis)
    output = np.empty((2 * samples.shape[0], *samples.shape[1:]), samples.dtype)
    even, odd = output[0::2], output[1::2]
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
    return output[:length].swapaxes(0, axis)


def downsample_axis(samples: Samples, axis: int, phase: int) -> Samples:
    """Filter samples on the luma grid along one axis down to the chroma grid; odd lengths are rounded up.

    Args:
        samples: (H, W) samples.
        axis: 0 or 1.
        phase: As of `upsample_axis`.
    """
    samples = samples.swapaxes(0, axis)
    if samples.shape[0] % 2:
        samples = np.concatenate([samples, samples[-1:]])
    even, odd = samples[0::2], samples[1::2]
    if phase == 1:
        output = even + odd
        output *= 0.5
    elif phase == 0:
        output = even * 0.5
        odd = odd * 0.25
        output += odd
        output[1:] += odd[:-1]
        output[0] += even[0] * 0.25
    else:
        output = odd * 0.5
        even = even * 0.25
        output += even
        output[:-1] += even[1:]
        output[-1] += odd[-1] * 0.25
    return output.swapaxes(0, axis)

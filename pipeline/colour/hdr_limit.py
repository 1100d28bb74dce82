"""Overshoot limiter: upscaled HDR is kept within the local range of its source.

Networks trained on SDR sharpen edges until they overshoot. In SDR the overshoot is clipped at white and rarely visible.
PQ and HLG have headroom above white, where a few codes are hundreds of cd/m², so that the edges of lights would
sparkle. Each output sample is therefore limited to the minimum and maximum of the 3 x 3 source pixels around it, for
each channel. Measurements and alternatives are described in docs/colour.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def limit_overshoot(enlarged: NDArray[Any], source: NDArray[Any]) -> None:
    """Clip each sample to the range of the 3 x 3 source pixels around it, in place.

    Args:
        enlarged: Output of a network, (C, scale H, scale W); written to.
        source: Input of the network, (C, H, W), with the same value range.
    """
    channels, height, width = source.shape
    scale = enlarged.shape[1] // height
    blocks = enlarged.reshape(channels, height, scale, width, scale)
    for part, low, high in zip(blocks, _local(source, np.minimum), _local(source, np.maximum), strict=True):
        np.clip(part, low[:, None, :, None], high[:, None, :, None], out=part)


def _local(source: NDArray[Any], extreme: np.ufunc) -> NDArray[Any]:
    """Minimum or maximum over the 3 x 3 neighbourhood of each pixel, of fewer pixels at the edges."""
    output = source
    for axis in (1, 2):
        before = output.swapaxes(0, axis)
        after = before.copy()
        extreme(after[1:], before[:-1], out=after[1:])
        extreme(after[:-1], before[1:], out=after[:-1])
        output = after.swapaxes(0, axis)
    return output

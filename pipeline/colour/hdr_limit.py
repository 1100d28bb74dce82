"""Enlarged HDR is kept within the range of what it was enlarged from.

Networks that learnt from SDR sharpen an edge until it overshoots. In SDR that is clipped at white, and seldom seen; PQ
and HLG have room above white, and a few codes there are hundreds of cd/m2: sparks along the edges of lamps. So each
sample is limited to the darkest and the brightest of the 3 x 3 input pixels around it, channel by channel. What this
costs and saves, and what else was tried, stands in docs/colour.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def limit(enlarged: NDArray[Any], source: NDArray[Any]) -> None:
    """Keep `enlarged`, (C, sH, sW), in place, within what `source`, (C, H, W) of the same range, has around."""
    channels, height, width = source.shape
    scale = enlarged.shape[1] // height
    blocks = enlarged.reshape(channels, height, scale, width, scale)
    for part, lowest, highest in zip(blocks, _around(source, np.minimum), _around(source, np.maximum), strict=True):
        np.clip(part, lowest[:, None, :, None], highest[:, None, :, None], out=part)


def _around(source: NDArray[Any], chosen: np.ufunc) -> NDArray[Any]:
    """The least or greatest of each 3 x 3; at edges, of what there is."""
    result = source
    for axis in (1, 2):
        before = result.swapaxes(0, axis)
        after = before.copy()
        chosen(after[1:], before[:-1], out=after[1:])
        chosen(after[:-1], before[1:], out=after[:-1])
        result = after.swapaxes(0, axis)
    return result

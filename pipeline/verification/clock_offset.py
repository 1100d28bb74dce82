"""By how much two clocks differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ANCHORED = 0.25  # of the moments must agree with the first one, else it is the one that is wrong
_ROUNDED = 1e-6  # seconds


def common_shift(ahead: NDArray[np.float64], tick: float) -> float:
    """The shift that most of `ahead` (seconds) share: the first one's if a good part agrees, else the most frequent."""
    ahead = ahead[~np.isnan(ahead)]
    if not len(ahead):
        return 0.0
    near_first = np.abs(ahead - ahead[0]) <= tick + _ROUNDED
    if near_first.mean() < _ANCHORED:
        bins, counts = np.unique(np.round(ahead / tick), return_counts=True)
        near_first = np.abs(ahead - bins[counts.argmax()] * tick) <= tick + _ROUNDED
    near = ahead[near_first]
    return float((near.min() + near.max()) / 2)

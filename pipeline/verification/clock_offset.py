"""Estimates the offset between two clocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MIN_AGREEING = 0.25  # share of the differences that have to agree with the first one for it to be trusted
_ROUNDED = 1e-6  # seconds


def common_shift(differences: NDArray[np.float64], tick: float) -> float:
    """Return the shift that most of `differences` share, in seconds; 0 if there are none.

    It is that of the first difference if a quarter of all agree with it within a tick, else the most frequent one.

    Args:
        differences: Output time minus source time of each frame, in seconds; nan is ignored.
        tick: Resolution of the output's clock, in seconds.
    """
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        return 0.0
    agreeing = np.abs(differences - differences[0]) <= tick + _ROUNDED
    if agreeing.mean() < _MIN_AGREEING:
        bins, counts = np.unique(np.round(differences / tick), return_counts=True)
        agreeing = np.abs(differences - bins[counts.argmax()] * tick) <= tick + _ROUNDED
    chosen = differences[agreeing]
    return float((chosen.min() + chosen.max()) / 2)

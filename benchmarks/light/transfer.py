"""Conversion between light and code values: PQ and HLG of ITU-R BT.2100, ICtCp and the colour difference of BT.2124.

Light is float64, (..., 3), linear red, green and blue of BT.2020 on a display, in cd/m2; code values are R'G'B' of
nominal range 0..1. Beyond that range the curves continue, mirrored at zero, unless documented otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float64]

PEAK = 10_000.0  # cd/m2 of PQ's code 1: BT.2100 table 4
M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

A = 0.17883277  # of HLG's OETF: BT.2100 table 5
B, C = 1 - 4 * A, 0.5 - A * np.log(4 * A)
HLG_PEAK, GAMMA = 1000.0, 1.2  # cd/m2 of the display, and its system gamma
LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # BT.2020

_LMS = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096  # BT.2100 table 7
_ICTCP = np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096
_TO_ITP = np.array([1, 0.5, 1])  # BT.2124: T is half of CT


@dataclass(frozen=True)
class System:
    """An HDR system.

    Attributes:
        name: "PQ" or "HLG".
        transfer: The code of its transfer characteristics in H.273.
        peak: Luminance of code 1 in cd/m2.
        code: From light to code values.
        light: From code values to light.
    """

    name: str
    transfer: int
    peak: float
    code: Callable[[Light], Light]
    light: Callable[[Light], Light]


def pq(light: Light) -> Light:
    """The inverse EOTF of PQ."""
    power = (np.abs(light) / PEAK) ** M1
    return np.sign(light) * ((C1 + C2 * power) / (1 + C3 * power)) ** M2


def pq_light(code: Light) -> Light:
    """The EOTF of PQ, which has a pole near code 2: no further than code 1.5."""
    root = np.minimum(np.abs(code), 1.5) ** (1 / M2)
    return np.sign(code) * PEAK * (np.maximum(root - C1, 0) / (C2 - C3 * root)) ** (1 / M1)


def hlg(light: Light) -> Light:
    """The inverse OOTF and the OETF of HLG, for a display of 1,000 cd/m2 that is black at code 0."""
    relative = light / HLG_PEAK
    luminance = np.abs(relative @ LUMINANCE)[..., None]
    return oetf(relative * np.where(luminance > 0, luminance, 1) ** ((1 - GAMMA) / GAMMA))


def hlg_light(code: Light) -> Light:
    """The inverse OETF and the OOTF of HLG, for the same display."""
    scene = np.sign(code) * _inverse_oetf(np.abs(code))
    return np.asarray(HLG_PEAK * scene * np.abs(scene @ LUMINANCE)[..., None] ** (GAMMA - 1))


def oetf(scene: Light) -> Light:
    """HLG's OETF of scene light, 0..1 and beyond."""
    size = np.abs(scene)
    upper = A * np.log(np.maximum(12 * size, 1) - B) + C
    return np.asarray(np.sign(scene) * np.where(size <= 1 / 12, np.sqrt(3 * size), upper))


def _inverse_oetf(code: Light) -> Light:
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - C) / A) + B) / 12)


def itp(light: Light) -> Light:
    """I, T and P of light, in which equal distances look equal; a distance of 1 / 720 is just visible (BT.2124)."""
    return np.asarray((pq(np.maximum(light, 0) @ _LMS.T) @ _ICTCP.T) * _TO_ITP)


PQ = System("PQ", 16, PEAK, pq, pq_light)
HLG = System("HLG", 18, HLG_PEAK, hlg, hlg_light)

"""For networks that enlarge luma alone: luma out of a frame, and its chroma, resampled, around larger luma.

Chroma is resampled bicubically (resample.py), from where it is sited to where each new luma sample lies. Of RGB
samples luma is that of their Colour's matrix, and what is resampled is what each channel differs from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.convert import normalised
from pipeline.colour.matrix import conversion, luma_weights
from pipeline.colour.resample import resampled
from pipeline.frame import FrameFormat, Plane

Samples = NDArray[Any]  # of floats


def to_luma(planes: Sequence[Plane], format: FrameFormat, out: Samples, scale: float = 1.0) -> None:
    """Convert the `planes` of a frame to luma, 0..`scale` but not clamped, into `out`: (1, H, W), any float dtype."""
    samples = normalised(planes, format, _computed_in(out))
    out[0] = (_luma_of(samples, format) if format.pixel.rgb else samples[0]) * scale


def with_chroma(luma: Samples, planes: Sequence[Plane], format: FrameFormat, out: Samples, scale: float = 1.0) -> None:
    """RGB from larger `luma`, (1, sH, sW), and the chroma of a frame's `planes`, into `out`, (3, sH, sW) of floats.

    format: of `planes`, the frame that `luma` was made of. scale: what white is, in `luma` as in `out`.
    """
    dtype = _computed_in(out)
    times = luma.shape[1] // format.height
    y = luma[0].astype(dtype) * dtype(1 / scale)
    first, *others = normalised(planes, format, dtype)
    aside = [first, *others] if format.pixel.rgb else others
    differences = _differences([_enlarged(plane, format, times) for plane in aside], format)
    for channel, difference in zip(out, differences, strict=True):
        channel[:] = (y + difference) * dtype(scale)


def _computed_in(out: Samples) -> Any:
    return np.float64 if out.dtype == np.float64 else np.float32


def _luma_of(green_blue_red: Sequence[Samples], format: FrameFormat) -> Samples:
    kr, kg, kb = luma_weights(format.colour.matrix)
    green, blue, red = green_blue_red
    luma: Samples = green * kg + blue * kb + red * kr
    return luma


def _differences(samples: Sequence[Samples], format: FrameFormat) -> Sequence[Samples | float]:
    """By how much red, green and blue differ from luma: of Cb and Cr, of G, B and R, or of no samples."""
    if format.pixel.rgb:
        luma = _luma_of(samples, format)
        green, blue, red = (plane - luma for plane in samples)
        return red, green, blue
    if not format.pixel.chroma:
        return 0.0, 0.0, 0.0
    numbers = conversion(format.colour, format.pixel)
    u, v = samples
    return v * numbers.red_v, u * numbers.green_u + v * numbers.green_v, u * numbers.blue_u


def _enlarged(plane: Samples, format: FrameFormat, times: int) -> Samples:
    across, down = format.colour.siting.phases
    for axis, length, sub, phase in (
        (1, format.width, format.pixel.sub_x, across),
        (0, format.height, format.pixel.sub_y, down),
    ):
        # Where chroma is midway, the two grids begin at one edge; else that of chroma lies 1/4 of a sample aside.
        shift = (1 - phase) / 4 if sub else 0.0
        plane = resampled(plane, times * length, axis, 1 / (times << sub), shift)
    return plane

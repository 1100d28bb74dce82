"""Conversions for networks that upscale luma alone: luma of a frame, and its resampled chroma around upscaled luma.

Chroma is resampled bicubically (resample.py) from where it is sited to the position of each output luma sample. For
RGB samples, luma is that of their Colour's matrix, and the difference of each channel from luma is resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from pipeline.colour.convert import normalise, working_dtype
from pipeline.colour.matrix import conversion, luma_weights
from pipeline.colour.resample import resample_axis
from pipeline.frame import FrameFormat, Plane

Samples = NDArray[Any]  # of floats


def to_luma(planes: Sequence[Plane], format: FrameFormat, out: Samples, scale: float = 1.0) -> None:
    """Convert a frame to luma, which is not clamped.

    Args:
        planes: Planes of the frame.
        format: Format of the frame.
        out: Array to write to, (1, H, W), of any float dtype.
        scale: Value of white in `out`.
    """
    samples = normalise(planes, format, working_dtype(out))
    out[0] = (_luma_of(samples, format) if format.pixel.rgb else samples[0]) * scale


def with_chroma(luma: Samples, planes: Sequence[Plane], format: FrameFormat, out: Samples, scale: float = 1.0) -> None:
    """Combine upscaled luma with the resampled chroma of the source frame to RGB.

    Args:
        luma: Upscaled luma, (1, s H, s W).
        planes: Planes of the frame that luma was taken from.
        format: Format of that frame.
        out: RGB array to write to, (3, s H, s W), of any float dtype.
        scale: Value of white in `luma` and `out`.
    """
    dtype = working_dtype(out)
    times = luma.shape[1] // format.height
    y = luma[0].astype(dtype) * dtype(1 / scale)
    first, *others = normalise(planes, format, dtype)
    colour = [first, *others] if format.pixel.rgb else others
    differences = _differences([_enlarge(plane, format, times) for plane in colour], format)
    for channel, difference in zip(out, differences, strict=True):
        channel[:] = (y + difference) * dtype(scale)


def _luma_of(green_blue_red: Sequence[Samples], format: FrameFormat) -> Samples:
    kr, kg, kb = luma_weights(format.colour.matrix)
    green, blue, red = green_blue_red
    luma: Samples = green * kg + blue * kb + red * kr
    return luma


def _differences(samples: Sequence[Samples], format: FrameFormat) -> Sequence[Samples | float]:
    """Differences of red, green and blue from luma, given Cb and Cr, or G, B and R, or no samples at all."""
    if format.pixel.rgb:
        luma = _luma_of(samples, format)
        green, blue, red = (plane - luma for plane in samples)
        return red, green, blue
    if not format.pixel.chroma:
        return 0.0, 0.0, 0.0
    numbers = conversion(format.colour, format.pixel)
    u, v = samples
    return v * numbers.red_v, u * numbers.green_u + v * numbers.green_v, u * numbers.blue_u


def _enlarge(plane: Samples, format: FrameFormat, times: int) -> Samples:
    across, down = format.colour.siting.phases
    for axis, length, sub, phase in (
        (1, format.width, format.pixel.sub_x, across),
        (0, format.height, format.pixel.sub_y, down),
    ):
        # Chroma sited midway: both grids begin at the same edge. Otherwise the chroma grid is 1/4 of a sample off.
        shift = (1 - phase) / 4 if sub else 0.0
        plane = resample_axis(plane, times * length, axis, 1 / (times << sub), shift)
    return plane

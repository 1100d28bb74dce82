"""Conversion of complete frames between samples and RGB, before and after the network.

In float32 this is the CPU's path; in float64 it is the oracle that the CUDA kernels are tested against. Alpha is not
touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.chroma import downsample, upsample
from pipeline.colour.matrix import conversion
from pipeline.colour.quantize import quantize
from pipeline.frame import FrameFormat, Plane

_BAND = 64  # rows converted at a time, so that intermediate values stay in the processor's cache
_GBR = (1, 2, 0)  # index into red, green, blue of each plane of RGB samples


def to_rgb(planes: Sequence[Plane], format: FrameFormat, out: NDArray[Any], scale: float = 1.0) -> None:
    """Convert a frame to RGB, which is not clamped.

    Args:
        planes: Planes of the frame.
        format: Format of the frame.
        out: Array to write to, (3, H, W), of any float dtype; computed in float64 if it is float64, else in float32.
        scale: Value of white in `out`.
    """
    dtype = working_dtype(out)
    numbers = conversion(format.colour, format.pixel)
    planes = colour_planes(planes, format)
    if format.pixel.rgb:
        for plane, index in zip(planes, _GBR, strict=True):
            np.multiply(plane, dtype(numbers.luma_gain * scale), out=out[index], casting="same_kind")
        return
    luma, *chroma = (_unshifted(plane, format) for plane in planes)
    if chroma:
        u, v = (chroma[0][:, 0::2], chroma[0][:, 1::2]) if format.pixel.interleaved else chroma
        gain, bias = numbers.chroma_gain * scale, numbers.chroma_bias * scale
        u = upsample(u.astype(dtype) * dtype(gain) + dtype(bias), format)
        v = upsample(v.astype(dtype) * dtype(gain) + dtype(bias), format)
    for top in range(0, format.height, _BAND):
        rows = slice(top, top + _BAND)
        y = luma[rows] * dtype(numbers.luma_gain * scale) + dtype(numbers.luma_bias * scale)
        if not chroma:
            out[:, rows] = y
            continue
        np.add(y, v[rows] * dtype(numbers.red_v), out=out[0, rows], casting="same_kind")
        np.add(y, u[rows] * dtype(numbers.blue_u), out=out[2, rows], casting="same_kind")
        y += u[rows] * dtype(numbers.green_u)
        np.add(y, v[rows] * dtype(numbers.green_v), out=out[1, rows], casting="same_kind")


def from_rgb(
    rgb: NDArray[Any], format: FrameFormat, planes: Sequence[Plane], scale: float = 1.0, dither: bool = False
) -> None:
    """Convert RGB to the samples of a frame, rounded to nearest even and clamped.

    Args:
        rgb: (3, H, W). Computed in float64 if that is its dtype, else in float32.
        format: Format of the frame.
        planes: Planes of the frame, written to.
        scale: Value of white in `rgb`.
        dither: Add ordered dither before rounding (quantize.py).
    """
    planes = colour_planes(planes, format)
    if format.pixel.rgb:
        _store_rgb(rgb, format, planes, scale, dither)
        return
    differences = _store_luma(rgb, format, planes[0], scale, dither)
    if differences is not None:
        _store_chroma(differences, format, planes[1:], dither)


def colour_planes(planes: Sequence[Plane], format: FrameFormat) -> Sequence[Plane]:
    """The planes of a frame except alpha."""
    return planes[:-1] if format.pixel.alpha else planes


def normalise(planes: Sequence[Plane], format: FrameFormat, dtype: Any) -> tuple[NDArray[Any], ...]:
    """Convert the planes of a frame, except alpha, to floats without a matrix.

    Returns:
        Y in 0..1 with Cb and Cr in -0.5..0.5 on their own grid, or G, B and R in 0..1.
    """
    numbers = conversion(format.colour, format.pixel)
    first, *others = (_unshifted(plane, format) for plane in colour_planes(planes, format))
    if format.pixel.interleaved:
        others = [others[0][:, 0::2], others[0][:, 1::2]]
    luma = first * dtype(numbers.luma_gain) + dtype(numbers.luma_bias)
    return luma, *(plane * dtype(numbers.chroma_gain) + dtype(numbers.chroma_bias) for plane in others)


def working_dtype(array: NDArray[Any]) -> Any:
    """The type that conversions from or to `array` are computed in: float64 for float64, otherwise float32."""
    return np.float64 if array.dtype == np.float64 else np.float32


def _store_rgb(rgb: NDArray[Any], format: FrameFormat, planes: Sequence[Plane], scale: float, dither: bool) -> None:
    dtype = working_dtype(rgb)
    numbers = conversion(format.colour, format.pixel)
    gain = dtype(numbers.luma_scale / scale)
    for top in range(0, format.height, _BAND):
        rows = slice(top, top + _BAND)
        for plane, index in zip(planes, _GBR, strict=True):
            samples = rgb[index, rows].astype(dtype, copy=False) * gain
            quantize(samples, plane[rows], format.pixel, numbers.highest, dither)


def _store_luma(
    rgb: NDArray[Any], format: FrameFormat, plane: Plane, scale: float, dither: bool
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Store luma, and return B - Y' and R - Y' on the luma grid; None for formats without chroma."""
    dtype = working_dtype(rgb)
    numbers = conversion(format.colour, format.pixel)
    kr, kg, kb = (dtype(k / scale) for k in (numbers.kr, numbers.kg, numbers.kb))
    has_chroma = format.pixel.chroma
    u, v = (np.empty((2, format.height, format.width), dtype)) if has_chroma else (None, None)
    for top in range(0, format.height, _BAND):
        rows = slice(top, top + _BAND)
        red, green, blue = rgb[:, rows].astype(dtype, copy=False)
        y = red * kr
        y += green * kg
        y += blue * kb
        if u is not None and v is not None:
            np.subtract(blue * dtype(1 / scale), y, out=u[rows])
            np.subtract(red * dtype(1 / scale), y, out=v[rows])
        y *= dtype(numbers.luma_scale)
        y += dtype(numbers.luma_offset)
        quantize(y, plane[rows], format.pixel, numbers.highest, dither)
    return None if u is None or v is None else (u, v)


def _store_chroma(
    differences: tuple[NDArray[Any], NDArray[Any]], format: FrameFormat, planes: Sequence[Plane], dither: bool
) -> None:
    numbers = conversion(format.colour, format.pixel)
    targets = (planes[0][:, 0::2], planes[0][:, 1::2]) if format.pixel.interleaved else planes
    for samples, gain, target in zip(differences, (numbers.u_scale, numbers.v_scale), targets, strict=True):
        coded = downsample(samples, format) * samples.dtype.type(gain)
        coded += samples.dtype.type(numbers.chroma_offset)
        quantize(coded, target, format.pixel, numbers.highest, dither)


def _unshifted(plane: Plane, format: FrameFormat) -> Plane:
    return plane >> format.pixel.shift if format.pixel.shift else plane

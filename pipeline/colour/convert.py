"""Whole frames between samples and RGB: the conversion that a Session wraps around its network.

In float32 this is the CPU's path, in float64 the oracle that the CUDA kernels are held against. Alpha goes past it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.chroma import downsampled, upsampled
from pipeline.colour.matrix import conversion
from pipeline.colour.quantize import store
from pipeline.frame import FrameFormat, Plane

_BAND = 64  # rows converted at a time: what is in work then stays in the processor's cache
_GBR = (1, 2, 0)  # which of red, green and blue each plane of RGB samples holds


def to_rgb(planes: Sequence[Plane], format: FrameFormat, out: NDArray[Any], scale: float = 1.0) -> None:
    """Convert the `planes` of a frame to RGB, 0..`scale` but not clamped, into `out`: (3, H, W), any float dtype."""
    dtype: Any = np.float64 if out.dtype == np.float64 else np.float32
    numbers = conversion(format.colour, format.pixel)
    planes = coloured(planes, format)
    if format.pixel.rgb:
        for plane, index in zip(planes, _GBR, strict=True):
            np.multiply(plane, dtype(numbers.luma_gain * scale), out=out[index], casting="same_kind")
        return
    luma, *chroma = (_unshifted(plane, format) for plane in planes)
    if chroma:
        u, v = (chroma[0][:, 0::2], chroma[0][:, 1::2]) if format.pixel.interleaved else chroma
        gain, bias = numbers.chroma_gain * scale, numbers.chroma_bias * scale
        u = upsampled(u.astype(dtype) * dtype(gain) + dtype(bias), format)
        v = upsampled(v.astype(dtype) * dtype(gain) + dtype(bias), format)
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
    """Convert `rgb`, (3, H, W) of 0..`scale`, into the `planes` of a frame: rounded to even, clamped to the depth.

    dither: spread what rounding loses over neighbours (rounding.py).
    """
    dtype: Any = np.float64 if rgb.dtype == np.float64 else np.float32
    numbers = conversion(format.colour, format.pixel)
    planes = coloured(planes, format)
    if format.pixel.rgb:
        _store_rgb(rgb, format, planes, dtype(numbers.luma_scale / scale), dither)
        return
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
        store(y, planes[0][rows], format.pixel, numbers.highest, dither)
    if u is None or v is None:
        return
    targets = (planes[1][:, 0::2], planes[1][:, 1::2]) if format.pixel.interleaved else planes[1:]
    for samples, gain, target in zip((u, v), (numbers.u_scale, numbers.v_scale), targets, strict=True):
        coded = downsampled(samples, format) * dtype(gain)
        coded += dtype(numbers.chroma_offset)
        store(coded, target, format.pixel, numbers.highest, dither)


def coloured(planes: Sequence[Plane], format: FrameFormat) -> Sequence[Plane]:
    """The planes of a frame without that of alpha."""
    return planes[:-1] if format.pixel.alpha else planes


def _store_rgb(rgb: NDArray[Any], format: FrameFormat, planes: Sequence[Plane], gain: Any, dither: bool) -> None:
    highest = (1 << format.pixel.depth) - 1
    for top in range(0, format.height, _BAND):
        rows = slice(top, top + _BAND)
        for plane, index in zip(planes, _GBR, strict=True):
            samples = rgb[index, rows].astype(gain.dtype, copy=False) * gain
            store(samples, plane[rows], format.pixel, highest, dither)


def normalised(planes: Sequence[Plane], format: FrameFormat, dtype: Any) -> tuple[NDArray[Any], ...]:
    """The planes of a frame, alpha apart, as floats: Y of 0..1 and Cb, Cr of -0.5..0.5, or G, B, R of 0..1."""
    numbers = conversion(format.colour, format.pixel)
    first, *others = (_unshifted(plane, format) for plane in coloured(planes, format))
    if format.pixel.interleaved:
        others = [others[0][:, 0::2], others[0][:, 1::2]]
    luma = first * dtype(numbers.luma_gain) + dtype(numbers.luma_bias)
    return luma, *(plane * dtype(numbers.chroma_gain) + dtype(numbers.chroma_bias) for plane in others)


def _unshifted(plane: Plane, format: FrameFormat) -> Plane:
    return plane >> format.pixel.shift if format.pixel.shift else plane

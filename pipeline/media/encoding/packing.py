"""Planar samples in the order that some encoders want: the same values, a pixel's side by side or their bytes swapped.

NumPy does it: swscale takes four times as long at 16 bit, and its threads may write into each other's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from pipeline.frame import Frame, PixelFormat


@dataclass(frozen=True)
class Packing:
    """A pixel of FFmpeg's format `name`: samples of `dtype`, first one of each of the `planes`, then `unused` ones."""

    name: str
    planes: tuple[int, ...]
    dtype: str
    unused: int = 0


# By the planar format whose samples they hold; the planes of RGB are G, B, R.
_PACKINGS = {
    "gbrp": (
        Packing("rgb24", (2, 0, 1), "u1"),
        Packing("bgr24", (1, 0, 2), "u1"),
        Packing("bgr0", (1, 0, 2), "u1", unused=1),
        Packing("rgb0", (2, 0, 1), "u1", unused=1),
    ),
    "gbrp16le": (Packing("rgb48le", (2, 0, 1), "<u2"), Packing("rgb48be", (2, 0, 1), ">u2")),
    "gray16le": (Packing("gray16be", (0,), ">u2"),),
}


def packings(pixel: PixelFormat) -> tuple[Packing, ...]:
    """The other ways of FFmpeg's to lay out the samples of `pixel`, none lost and none changed."""
    return _PACKINGS.get(pixel.name, ())


def packed(frame: Frame, packing: Packing) -> av.VideoFrame:
    """A copy of the samples of `frame`, packed; the frame is not released."""
    picture = av.VideoFrame(frame.format.width, frame.format.height, packing.name)
    (plane,) = picture.planes
    buffer: Any = plane  # whose stub does not say that it is one
    dtype, count = np.dtype(packing.dtype), len(packing.planes) + packing.unused
    strides = (plane.line_size, count * dtype.itemsize, dtype.itemsize)
    pixels = np.ndarray((picture.height, picture.width, count), dtype, buffer, strides=strides)
    for at, index in enumerate(packing.planes):
        pixels[..., at] = frame.planes[index]
    pixels[..., len(packing.planes) :] = 0
    return picture

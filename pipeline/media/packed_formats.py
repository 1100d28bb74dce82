"""Planar samples in the order that some codecs want: the same values, a pixel's side by side or their bytes swapped.

NumPy does it on the way out: swscale takes four times as long at 16 bit, and its threads may write into each other's
rows. On the way in swscale unpacks exactly what is planar afterwards; gray with alpha, which it has packed only, does
not go through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.frame import PIXEL_FORMATS, Frame, PixelFormat, Plane, plain_name, without_alpha

_UNUSED, _OPAQUE = -1, -2  # samples of a pixel that are no plane's: 0, and the highest value


@dataclass(frozen=True)
class Packing:
    """A pixel of FFmpeg's format `name`: samples of `dtype`, one of each of the `planes`, or a value that is no one's.

    keeps: whether all that FFmpeg's format means is in the planes; else it has alpha, which is opaque.
    """

    name: str
    planes: tuple[int, ...]
    dtype: str = "u1"

    @property
    def keeps(self) -> bool:
        return _OPAQUE not in self.planes


# By the planar format whose samples they hold; the planes of RGB are G, B, R and alpha. What loses no time comes first.
_PACKINGS = {
    "gbrp": (
        Packing("rgb24", (2, 0, 1)),
        Packing("bgr24", (1, 0, 2)),
        Packing("bgr0", (1, 0, 2, _UNUSED)),
        Packing("rgb0", (2, 0, 1, _UNUSED)),
        Packing("0rgb", (_UNUSED, 2, 0, 1)),
        Packing("0bgr", (_UNUSED, 1, 0, 2)),
        Packing("rgba", (2, 0, 1, _OPAQUE)),
        Packing("bgra", (1, 0, 2, _OPAQUE)),
        Packing("argb", (_OPAQUE, 2, 0, 1)),
        Packing("abgr", (_OPAQUE, 1, 0, 2)),
    ),
    "gbrap": (
        Packing("rgba", (2, 0, 1, 3)),
        Packing("bgra", (1, 0, 2, 3)),
        Packing("argb", (3, 2, 0, 1)),
        Packing("abgr", (3, 1, 0, 2)),
    ),
    "gbrp16le": (
        Packing("rgb48le", (2, 0, 1), "<u2"),
        Packing("rgb48be", (2, 0, 1), ">u2"),
        Packing("bgr48le", (1, 0, 2), "<u2"),
        Packing("bgr48be", (1, 0, 2), ">u2"),
        Packing("rgba64le", (2, 0, 1, _OPAQUE), "<u2"),
        Packing("rgba64be", (2, 0, 1, _OPAQUE), ">u2"),
    ),
    "gbrap16le": (
        Packing("rgba64le", (2, 0, 1, 3), "<u2"),
        Packing("rgba64be", (2, 0, 1, 3), ">u2"),
        Packing("bgra64le", (1, 0, 2, 3), "<u2"),
        Packing("bgra64be", (1, 0, 2, 3), ">u2"),
    ),
    "gray16le": (Packing("gray16be", (0,), ">u2"),),
    "ya8": (Packing("ya8", (0, 1)),),
    "ya16le": (Packing("ya16le", (0, 1), "<u2"), Packing("ya16be", (0, 1), ">u2")),
}


def packings(pixel: PixelFormat) -> tuple[Packing, ...]:
    """The other ways of FFmpeg's to lay out the samples of `pixel`, none lost and none changed."""
    return _PACKINGS.get(pixel.name, ())


def nearest_format(name: str, alpha: bool | None = None) -> PixelFormat:
    """The format that frames of FFmpeg's pixel format `name` are turned into: itself, or the nearest that holds it.

    alpha: whether it has any, where its name does not tell.
    """
    format = av.VideoFormat(name, 64, 64)
    alpha = any(component.is_alpha for component in format.components) if alpha is None else alpha
    if found := PIXEL_FORMATS.get(plain_name(name)) or _planar(name):
        return found if alpha else without_alpha(found)
    seen = [component for component in format.components if not component.is_alpha]
    depth = max((component.bits for component in seen), default=8)
    rgb = format.is_rgb or format.has_palette
    kind = rgb, rgb or len(seen) > 1, alpha
    alike = (f for f in PIXEL_FORMATS.values() if (f.rgb, f.chroma, f.alpha) == kind and not f.interleaved)
    sizes = {f: (f.depth, 64 >> f.sub_x, 64 >> f.sub_y) for f in alike}
    least = min(depth, 16), format.chroma_width(64), format.chroma_height(64)
    holding = (f for f, size in sizes.items() if all(a >= b for a, b in zip(size, least, strict=True)))
    return min(holding, key=lambda f: sizes[f])


def find_format(name: str) -> PixelFormat | None:
    """The format whose samples are those of FFmpeg's pixel format `name`, packed or not; None if there is none here."""
    try:
        known = av.VideoFormat(name, 64, 64).name
    except ValueError:
        return None
    return PIXEL_FORMATS.get(known) or _planar(known)


def _planar(name: str) -> PixelFormat | None:
    """The format in which the samples of FFmpeg's packed format `name` lie in planes; None if there is none here."""
    for pixel, ways in _PACKINGS.items():
        if any(packing.name == name and packing.keeps for packing in ways):
            return PIXEL_FORMATS[pixel]
    return None


def pack(frame: Frame, packing: Packing) -> av.VideoFrame:
    """A copy of the samples of `frame`, packed; the frame is not released."""
    picture = av.VideoFrame(frame.format.width, frame.format.height, packing.name)
    pixels = _pixels(picture, packing)
    fill = {_UNUSED: 0, _OPAQUE: np.iinfo(pixels.dtype).max}
    for at, index in enumerate(packing.planes):
        pixels[..., at] = fill[index] if index in fill else frame.planes[index]
    return picture


def unpack(picture: av.VideoFrame, pixel: PixelFormat) -> tuple[Plane, ...] | None:
    """A copy of the planes of `picture`, whose samples are those of `pixel`, packed; None if it isn't."""
    way = next((way for way in packings(pixel) if way.name == picture.format.name and way.keeps), None)
    if way is None:
        return None
    pixels = _pixels(picture, way)
    return tuple(pixels[..., way.planes.index(plane)].astype(pixel.dtype) for plane in range(max(way.planes) + 1))


def _pixels(picture: av.VideoFrame, packing: Packing) -> NDArray[Any]:
    """The samples of `picture` as (rows, columns, samples of a pixel), in FFmpeg's memory."""
    (plane,) = picture.planes
    buffer: Any = plane  # whose stub does not say that it is one
    dtype, count = np.dtype(packing.dtype), len(packing.planes)
    strides = (plane.line_size, count * dtype.itemsize, dtype.itemsize)
    return np.ndarray((picture.height, picture.width, count), dtype, buffer, strides=strides)

"""FFmpeg's packed formats: the samples of planar formats, interleaved by pixel or with their bytes swapped.

NumPy packs the samples for encoders: swscale takes four times as long at 16 bits, and its threads may write into each
other's rows. Of decoded frames, swscale unpacks everything exactly but gray with alpha, which it can't.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.frame import PIXEL_FORMATS, Frame, PixelFormat, Plane, plain_name, without_alpha

_UNUSED, _OPAQUE = -1, -2  # samples of a pixel that belong to no plane: 0, and the maximum


@dataclass(frozen=True)
class Packing:
    """The order of samples in a pixel of a packed format.

    Attributes:
        name: FFmpeg's name of the format.
        planes: For each sample of a pixel, the index of its plane in the planar format, or a constant.
        dtype: NumPy's name of the type of a sample.
    """

    name: str
    planes: tuple[int, ...]
    dtype: str = "u1"

    @property
    def is_equivalent(self) -> bool:
        """True if the planar format has all of its samples; else it also has alpha, which is set to opaque."""
        return _OPAQUE not in self.planes


# By the planar format of the same samples; its planes of RGB are G, B, R and alpha. The fastest come first.
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
    """The packed formats that can hold all samples of `pixel` unchanged."""
    return _PACKINGS.get(pixel.name, ())


def nearest_format(name: str, alpha: bool | None = None) -> PixelFormat:
    """The format in which frames of FFmpeg's pixel format `name` are processed: the smallest that loses nothing.

    Args:
        name: FFmpeg's name.
        alpha: Whether the frames have alpha, None if it is by their format.
    """
    format = av.VideoFormat(name, 64, 64)
    alpha = any(component.is_alpha for component in format.components) if alpha is None else alpha
    if own := PIXEL_FORMATS.get(plain_name(name)) or _planar_format(name):
        return own if alpha else without_alpha(own)
    colours = [component for component in format.components if not component.is_alpha]
    depth = max((component.bits for component in colours), default=8)
    rgb = format.is_rgb or format.has_palette
    kind = rgb, rgb or len(colours) > 1, alpha
    same_kind = (f for f in PIXEL_FORMATS.values() if (f.rgb, f.chroma, f.alpha) == kind and not f.interleaved)
    sizes = {f: (f.depth, 64 >> f.sub_x, 64 >> f.sub_y) for f in same_kind}
    minimum = min(depth, 16), format.chroma_width(64), format.chroma_height(64)
    sufficient = (f for f, size in sizes.items() if all(a >= b for a, b in zip(size, minimum, strict=True)))
    return min(sufficient, key=lambda f: sizes[f])


def find_format(name: str) -> PixelFormat | None:
    """The format with the samples of FFmpeg's pixel format `name`, packed or not; None if there is none."""
    try:
        known = av.VideoFormat(name, 64, 64).name
    except ValueError:
        return None
    return PIXEL_FORMATS.get(known) or _planar_format(known)


def _planar_format(name: str) -> PixelFormat | None:
    """The planar format with all samples of FFmpeg's packed format `name`; None if there is none."""
    for pixel, candidates in _PACKINGS.items():
        if any(packing.name == name and packing.is_equivalent for packing in candidates):
            return PIXEL_FORMATS[pixel]
    return None


def pack(frame: Frame, packing: Packing) -> av.VideoFrame:
    """A packed copy of `frame`, which is not released."""
    av_frame = av.VideoFrame(frame.format.width, frame.format.height, packing.name)
    pixels = _pixels(av_frame, packing)
    constants = {_UNUSED: 0, _OPAQUE: np.iinfo(pixels.dtype).max}
    for position, plane in enumerate(packing.planes):
        pixels[..., position] = constants[plane] if plane in constants else frame.planes[plane]
    return av_frame


def unpack(frame: av.VideoFrame, pixel: PixelFormat) -> tuple[Plane, ...] | None:
    """The planes of `frame` in format `pixel`, copied; None if `frame` is no packing of that format."""
    name = frame.format.name
    packing = next((each for each in packings(pixel) if each.name == name and each.is_equivalent), None)
    if packing is None:
        return None
    pixels, count = _pixels(frame, packing), max(packing.planes) + 1
    return tuple(pixels[..., packing.planes.index(plane)].astype(pixel.dtype) for plane in range(count))


def _pixels(frame: av.VideoFrame, packing: Packing) -> NDArray[Any]:
    """A view of FFmpeg's memory, of shape (rows, columns, samples of a pixel)."""
    (plane,) = frame.planes
    buffer: Any = plane  # its stub does not declare the buffer protocol
    dtype, count = np.dtype(packing.dtype), len(packing.planes)
    strides = (plane.line_size, count * dtype.itemsize, dtype.itemsize)
    return np.ndarray((frame.height, frame.width, count), dtype, buffer, strides=strides)

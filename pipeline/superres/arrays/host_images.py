"""NumPy images, channels last as OpenCV has them, from and to the planes of a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Plane

Image = NDArray[Any]
Map = Callable[[Callable[[slice], None], Iterable[slice]], Iterable[None]]
"""Calls a function for each of several bands of rows, as `map` does, or at the same time."""

COLOUR = Colour(matrix=1, full_range=True, primaries=1, transfer=13)
"""The colour of images: sRGB (IEC 61966-2-1), all code values used; gray is luma of BT.709."""

ORDERS = {"rgb": (1, 2, 0, 3), "bgr": (1, 0, 2, 3)}
"""For each order of channels, the channel of each plane of a frame, which are green, blue, red and alpha."""

_PIXELS = {1: "gray", 3: "gbrp", 4: "gbrap"}
_LARGE = 2**19  # pixels of an image from which several threads are faster than one
_BANDS = 4


def image_format(height: int, width: int, channels: int, dtype: np.dtype[Any]) -> FrameFormat:
    """The format of an image as a frame.

    Args:
        height: In pixels.
        width: In pixels.
        channels: 1 for gray, 3 for colour, 4 for colour and alpha.
        dtype: uint8 or uint16, of which all values are used.

    Raises:
        InputError: The image has no pixels, or another type.
    """
    if dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"the image is of {dtype}; uint8 (0..255) and uint16 (0..65535) are supported: convert it, such as by "
            "(image * 255).round().clip(0, 255)"
        )
    if height < 1 or width < 1:
        raise InputError(f"the image is {width}x{height}; it should have a pixel at least")
    depth = "" if dtype == np.uint8 else "16le"
    return FrameFormat(width, height, PIXEL_FORMATS[_PIXELS[channels] + depth], COLOUR)


def host_format(image: Image) -> FrameFormat:
    """The format of a NumPy image, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), as a frame. Raises InputError."""
    channels = 1 if image.ndim == 2 else image.shape[2] if image.ndim == 3 else 0
    if channels not in _PIXELS:
        raise InputError(
            f"the image has the shape {image.shape}; (H, W), (H, W, 1), (H, W, 3) and (H, W, 4) are supported, and "
            "batches of the last three"
        )
    return image_format(image.shape[0], image.shape[1], channels, image.dtype)


def split_image(image: Image, order: str) -> tuple[Plane, ...]:
    """The planes of an image, in the order of a frame's; copies if there are several."""
    if image.ndim == 2:
        return (image,)
    if image.shape[2] == 1:
        return (image[..., 0],)
    import cv2

    channels = cv2.split(np.ascontiguousarray(image))  # four times as fast as NumPy's strided copies
    return tuple(channels[channel] for channel in ORDERS[order][: len(channels)])


def merge_image(planes: Sequence[Plane], order: str, out: Image, in_bands: Map = map) -> None:
    """Write the planes of a frame to an image.

    Args:
        planes: In the order of a frame's.
        order: Order of the image's channels.
        out: (H, W) or (H, W, C), contiguous.
        in_bands: Calls a function for bands of rows of a large image, which may overlap in time.
    """
    if len(planes) == 1:
        np.copyto(out if out.ndim == 2 else out[..., 0], planes[0])
        return
    import cv2

    channels = [planes[ORDERS[order].index(channel)] for channel in range(len(planes))]

    def merge(rows: slice) -> None:
        part = out[rows]
        merged = cv2.merge([plane[rows] for plane in channels], part)
        if merged is not part and not np.shares_memory(merged, part):
            np.copyto(part, merged)

    height = len(out)
    step = -(-height // (_BANDS if channels[0].size >= _LARGE else 1))
    list(in_bands(merge, [slice(top, top + step) for top in range(0, height, step)]))

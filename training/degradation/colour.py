"""The colour path of all frames of pairs: R'G'B' of 8 bits to limited-range 4:2:0 and back, as uprez converts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat

Planes = tuple[NDArray[np.uint8], ...]
"""Y, Cb and Cr of a frame: (H, W), (H / 2, W / 2), (H / 2, W / 2) uint8."""


def frame_format(width: int, height: int, matrix: int) -> FrameFormat:
    """8-bit 4:2:0 of limited range with the matrix of an H.273 code."""
    return FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(matrix, full_range=False))


def to_planes(image: NDArray[np.floating], matrix: int) -> Planes:
    """Convert an image, (3, H, W) with white at 255 and even sides, to 4:2:0."""
    format = frame_format(image.shape[2], image.shape[1], matrix)
    planes = tuple(np.empty(shape, np.uint8) for shape in format.plane_shapes)
    from_rgb(image, format, planes, scale=255)
    return planes


def to_image(planes: Planes, matrix: int) -> NDArray[np.uint8]:
    """Convert 4:2:0 to an image, (3, H, W) uint8, rounded and clamped as the input of a network of 8 bits is."""
    height, width = planes[0].shape
    image = np.empty((3, height, width), np.float32)
    to_rgb(planes, frame_format(width, height, matrix), image, scale=255)
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)

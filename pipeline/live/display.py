"""Converts frames for a screen."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.frame import Frame, FrameFormat
from pipeline.media.av_frames import wrap_frame

_BT601 = 5
_COEFFICIENTS = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # swscale's number for each matrix of H.273


def to_bgr(frame: Frame, width: int, height: int) -> NDArray[np.uint8]:
    """Convert `frame`, which is released, to 8-bit BGR of another size, without alpha.

    The transfer function is not converted: HDR looks pale.

    Returns:
        An array of shape (height, width, 3).
    """
    options = {} if frame.format.pixel.rgb else _colour_options(frame.format)
    # One thread: swscale's own threads write into each other's rows in some conversions.
    converted = wrap_frame(frame).reformat(width, height, "bgr24", threads=1, **options)
    return np.asarray(converted.to_ndarray(), np.uint8)


def fit_size(format: FrameFormat, aspect: Fraction, width: int, height: int) -> tuple[int, int]:
    """The size of a frame with square samples, reduced if needed to fit into `width` x `height`.

    Args:
        format: The format of the frame.
        aspect: Width of its samples divided by their height.
        width: Of the available space.
        height: Of the available space.
    """
    square_width = float(format.width * aspect)
    scale = min(1.0, width / square_width, height / format.height)
    return max(1, round(square_width * scale)), max(1, round(format.height * scale))


def _colour_options(format: FrameFormat) -> dict[str, Any]:
    """swscale's options for matrix and range; without them it assumes limited BT.601."""
    levels = FULL_RANGE_TAG if format.colour.full_range else LIMITED_RANGE_TAG
    return {"src_colorspace": _COEFFICIENTS.get(format.colour.matrix, _BT601), "src_color_range": levels}

"""Frames as screens show them."""

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


def viewed(frame: Frame, width: int, height: int) -> NDArray[np.uint8]:
    """`frame`, which is released, in another size: (height, width, 3) of 8 bit, blue first, alpha left out.

    Its transfer function stays as it is: HDR looks pale.
    """
    tags = {} if frame.format.pixel.rgb else _meaning(frame.format)
    # swscale's own threads write into each other's rows in some conversions.
    picture = wrap_frame(frame).reformat(width, height, "bgr24", threads=1, **tags)
    return np.asarray(picture.to_ndarray(), np.uint8)


def within(format: FrameFormat, aspect: Fraction, width: int, height: int) -> tuple[int, int]:
    """The size of a picture of `format` on a screen, shrunk, if need be, to fit into `width` x `height`.

    aspect: how many times as wide as high its samples are; a screen's are square.
    """
    wide = float(format.width * aspect)
    shrink = min(1.0, width / wide, height / format.height)
    return max(1, round(wide * shrink)), max(1, round(format.height * shrink))


def _meaning(format: FrameFormat) -> dict[str, Any]:
    """What the samples mean, in swscale's numbers; told nothing, it takes them for limited BT.601."""
    levels = FULL_RANGE_TAG if format.colour.full_range else LIMITED_RANGE_TAG
    return {"src_colorspace": _COEFFICIENTS.get(format.colour.matrix, _BT601), "src_color_range": levels}

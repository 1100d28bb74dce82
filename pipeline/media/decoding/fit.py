"""Decoded pictures as the rest of the pipeline wants them: of one size and layout."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.frame import FrameFormat, Plane, plain_name


def fitted(picture: av.VideoFrame, format: FrameFormat) -> tuple[Plane, ...]:
    """The planes of `picture`, brought to `format` by swscale if need be; views of FFmpeg's memory, which they keep."""
    picture = _in_format(picture, format)
    dtype = format.pixel.dtype
    planes = []
    for plane, (rows, columns) in zip(picture.planes, format.plane_shapes, strict=False):  # what is beyond is alpha
        buffer: Any = plane  # whose stub does not say that it is one
        samples: Plane = np.frombuffer(buffer, dtype)
        planes.append(samples.reshape(-1, plane.line_size // dtype.itemsize)[:rows, :columns])
    return tuple(planes)


def _in_format(picture: av.VideoFrame, format: FrameFormat) -> av.VideoFrame:
    name = plain_name(picture.format.name).replace("yuva", "yuv").replace("gbrap", "gbrp")
    if (picture.width, picture.height) == (format.width, format.height) and name == format.pixel.name:
        return picture
    tags = {"dst_colorspace": format.colour.matrix, "dst_color_range": _range_tag(format.colour.full_range)}
    # Of YUV only the layout or the size changes; not told so, swscale would take untagged video for BT.601.
    if not picture.format.is_rgb:
        tags |= {"src_colorspace": tags["dst_colorspace"], "src_color_range": tags["dst_color_range"]}
    # swscale's own threads write into each other's rows in some conversions.
    return picture.reformat(format.width, format.height, format.pixel.name, threads=1, **tags)


def _range_tag(full_range: bool) -> int:
    return FULL_RANGE_TAG if full_range else LIMITED_RANGE_TAG

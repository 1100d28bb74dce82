"""Decoded pictures as the rest of the pipeline wants them: of one size and layout."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.filter import Graph

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.frame import PIXEL_FORMATS, FrameFormat, Plane, opaque, plain_name
from pipeline.media.packing import unpacked


def fitted(picture: av.VideoFrame, format: FrameFormat) -> tuple[Plane, ...]:
    """The planes of `picture`, brought to `format` by swscale if need be; views of FFmpeg's memory, which they keep."""
    picture = _in_format(picture, format)
    if samples := unpacked(picture, format.pixel):
        return samples
    dtype = format.pixel.dtype
    planes = []
    for plane, (rows, columns) in zip(picture.planes, format.plane_shapes, strict=False):  # what is beyond is alpha
        buffer: Any = plane  # whose stub does not say that it is one
        line: Plane = np.frombuffer(buffer, dtype)
        planes.append(line.reshape(-1, plane.line_size // dtype.itemsize)[:rows, :columns])
    return tuple(planes)


def _in_format(picture: av.VideoFrame, format: FrameFormat) -> av.VideoFrame:
    pixel = PIXEL_FORMATS.get(plain_name(picture.format.name))
    has_size = (picture.width, picture.height) == (format.width, format.height)
    if has_size and pixel and format.pixel in (pixel, opaque(pixel)):
        return picture
    if not picture.format.is_rgb and not picture.format.has_palette and format.pixel.sub_x + format.pixel.sub_y:
        return _resampled(picture, format)
    tags = {"dst_colorspace": format.colour.matrix, "dst_color_range": _range_tag(format.colour.full_range)}
    # Of YUV only the layout or the size changes; not told so, swscale would take untagged video for BT.601.
    if not picture.format.is_rgb:
        tags |= {"src_colorspace": tags["dst_colorspace"], "src_color_range": tags["dst_color_range"]}
    # swscale's own threads write into each other's rows in some conversions.
    return picture.reformat(format.width, format.height, format.pixel.name, threads=1, **tags)


def _range_tag(full_range: bool) -> int:
    return FULL_RANGE_TAG if full_range else LIMITED_RANGE_TAG


def _resampled(picture: av.VideoFrame, format: FrameFormat) -> av.VideoFrame:
    """`picture`, which is YUV, in another size or subsampling, its chroma where it is sited; no sample means another.

    Told no siting, swscale takes all chroma to lie midway: that of DV's 4:1:1 would move by a sample of luma.
    """
    siting, levels = format.colour.siting.coded.value, "full" if format.colour.full_range else "limited"
    told = [f"w={format.width}:h={format.height}:flags=bilinear+accurate_rnd:threads=1"]
    told += [f"{end}_chroma_loc={siting}:{end}_range={levels}" for end in ("in", "out")]
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1)),
        graph.add("scale", ":".join(told)),
        graph.add("format", f"pix_fmts={format.pixel.name}"),
        graph.add("buffersink"),
    ).configure()
    graph.push(picture)
    result = graph.pull()
    assert isinstance(result, av.VideoFrame)
    return result

"""Decoded pictures as the rest of the pipeline wants them: of one size and layout."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from av.filter import Graph

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.errors import InputError
from pipeline.frame import PIXEL_FORMATS, FrameFormat, Plane, plain_name, without_alpha
from pipeline.media.packed_formats import unpack


def extract_planes(picture: av.VideoFrame, format: FrameFormat) -> tuple[Plane, ...]:
    """The planes of `picture`, brought to `format` by swscale if need be; views of FFmpeg's memory, which they keep."""
    picture = _in_format(picture, format)
    if samples := unpack(picture, format.pixel):
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
    is_planar = pixel is not None and len(picture.planes) == len(pixel.plane_shapes(2, 2))  # gray with alpha never is
    if has_size and pixel and is_planar and format.pixel in (pixel, without_alpha(pixel)):
        return picture
    is_yuv = not picture.format.is_rgb and not picture.format.has_palette
    if is_yuv and format.pixel.sub_x + format.pixel.sub_y and not (has_size and _has_samples_of(picture, format)):
        return _resampled(picture, format)
    tags = {"dst_colorspace": format.colour.matrix, "dst_color_range": _range_tag(format.colour.full_range)}
    # Of YUV only the layout or the size changes; not told so, swscale would take untagged video for BT.601.
    if not picture.format.is_rgb:
        tags |= {"src_colorspace": tags["dst_colorspace"], "src_color_range": tags["dst_color_range"]}
    # swscale's own threads write into each other's rows in some conversions.
    return picture.reformat(format.width, format.height, format.pixel.name, threads=1, **tags)


def _has_samples_of(picture: av.VideoFrame, format: FrameFormat) -> bool:
    """Whether `picture` has as many samples as `format`, of its depth, so that nothing but the layout changes."""
    chroma = picture.format.chroma_width(), picture.format.chroma_height()
    wanted = -(-format.width >> format.pixel.sub_x), -(-format.height >> format.pixel.sub_y)
    return chroma == wanted and picture.format.components[0].bits == format.pixel.depth


def _range_tag(full_range: bool) -> int:
    return FULL_RANGE_TAG if full_range else LIMITED_RANGE_TAG


def _resampled(picture: av.VideoFrame, format: FrameFormat) -> av.VideoFrame:
    """`picture`, which is YUV, in another size or subsampling, its chroma where it is sited; no sample means another.

    Told no siting, swscale takes all chroma to lie midway: that of DV's 4:1:1 would move by a sample of luma.
    """
    siting, levels = format.colour.siting.coded.value, "full" if format.colour.full_range else "limited"
    told = [f"w={format.width}:h={format.height}:flags=bilinear+accurate_rnd:threads=1"]
    # Whatever the matrix is, it stays: told none, swscale would turn what is tagged into untagged, BT.601.
    told += [f"{end}_chroma_loc={siting}:{end}_range={levels}:{end}_color_matrix=bt709" for end in ("in", "out")]
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1)),
        graph.add("scale", ":".join(told)),
        graph.add("format", f"pix_fmts={format.pixel.name}"),
        graph.add("buffersink"),
    ).configure()
    try:
        graph.push(picture)
        result = graph.pull()
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"a frame of {picture.format.name} can't be made {format}") from error
    assert isinstance(result, av.VideoFrame)
    return result

"""Conversion of decoded frames to the size and layout in which they are processed, by swscale where needed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from av.filter import Graph

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.errors import InputError
from pipeline.frame import PIXEL_FORMATS, FrameFormat, PixelFormat, Plane, plain_name, without_alpha
from pipeline.media.packed_formats import unpack
from pipeline.media.reading.crop import Crop


def extract_planes(frame: av.VideoFrame, format: FrameFormat, crop: Crop | None = None) -> tuple[Plane, ...]:
    """The planes of `frame`, converted to `format` if need be.

    Without a conversion they are views of FFmpeg's memory, which they keep alive.

    Args:
        frame: The frame.
        format: The format of the planes.
        crop: The edges that a frame of the size before cropping loses; None for none.
    """
    if crop and (frame.width, frame.height) == crop.uncropped_size(format.width, format.height):
        complete = format.resized(frame.width, frame.height)
        return crop.apply(extract_planes(frame, complete), format.pixel)
    frame = _convert(frame, format)
    if planes := unpack(frame, format.pixel):
        return planes
    dtype = format.pixel.dtype
    buffers: tuple[Any, ...] = frame.planes  # their stub does not declare the buffer protocol
    return tuple(
        np.ndarray(shape, dtype, plane, strides=(plane.line_size, dtype.itemsize))
        for plane, shape in zip(buffers, format.plane_shapes, strict=False)  # an alpha plane may be left
    )


def _convert(frame: av.VideoFrame, format: FrameFormat) -> av.VideoFrame:
    pixel = PIXEL_FORMATS.get(plain_name(frame.format.name))
    has_size = (frame.width, frame.height) == (format.width, format.height)
    if has_size and pixel and _has_planes_of(pixel, format.pixel):
        return frame
    is_yuv = not frame.format.is_rgb and not frame.format.has_palette
    if is_yuv and format.pixel.sub_x + format.pixel.sub_y and not (has_size and _has_same_samples(frame, format)):
        return _resample(frame, format)
    tags = {"dst_colorspace": format.colour.matrix, "dst_color_range": _range_tag(format.colour.full_range)}
    # Only the layout or the size of YUV changes. Without these tags, swscale would take untagged video for BT.601.
    if not frame.format.is_rgb:
        tags |= {"src_colorspace": tags["dst_colorspace"], "src_color_range": tags["dst_color_range"]}
    # One thread: in some conversions, swscale's threads write into each other's rows.
    return frame.reformat(format.width, format.height, format.pixel.name, threads=1, **tags)


def _has_planes_of(source: PixelFormat, wanted: PixelFormat) -> bool:
    """Return True if the planes of `source` are those of `wanted`, but for an alpha plane that is left over."""
    is_planar = source.chroma or not source.alpha  # FFmpeg has gray with alpha only packed
    return is_planar and (source == wanted or (source.alpha and without_alpha(source) == wanted))


def _has_same_samples(frame: av.VideoFrame, format: FrameFormat) -> bool:
    """Return True if `frame` has as many samples as `format`, of the same depth, so that only the layout changes."""
    chroma = frame.format.chroma_width(), frame.format.chroma_height()
    wanted = -(-format.width >> format.pixel.sub_x), -(-format.height >> format.pixel.sub_y)
    return chroma == wanted and frame.format.components[0].bits == format.pixel.depth


def _range_tag(full_range: bool) -> int:
    return FULL_RANGE_TAG if full_range else LIMITED_RANGE_TAG


def _resample(frame: av.VideoFrame, format: FrameFormat) -> av.VideoFrame:
    """Convert YUV to another size or subsampling, with respect to the siting of its chroma.

    Without a siting, swscale assumes the centre: chroma of DV's 4:1:1 would move by a sample of luma.
    """
    siting, levels = format.colour.siting.coded.value, "full" if format.colour.full_range else "limited"
    arguments = [f"w={format.width}:h={format.height}:flags=bilinear+accurate_rnd:threads=1"]
    # Any matrix will do if it is the same on both sides; without one, swscale would convert tagged video to BT.601.
    arguments += [f"{end}_chroma_loc={siting}:{end}_range={levels}:{end}_color_matrix=bt709" for end in ("in", "out")]
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1)),
        graph.add("scale", ":".join(arguments)),
        graph.add("format", f"pix_fmts={format.pixel.name}"),
        graph.add("buffersink"),
    ).configure()
    try:
        graph.push(frame)
        converted = graph.pull()
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"a frame of {frame.format.name} can't be converted to {format}") from error
    assert isinstance(converted, av.VideoFrame)
    return converted

"""Frames as FFmpeg has them."""

from __future__ import annotations

import weakref
from typing import Any

import av
import numpy as np

from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.media.packed_formats import pack, packings


def wrap_frame(frame: Frame, name: str | None = None) -> av.VideoFrame:
    """`frame` as PyAV has it, in FFmpeg's format `name`: the frame's own, or one that packs the same samples.

    Its own lies in the same memory, and the frame is released when FFmpeg drops the last reference. Packed it is a
    copy, and so it is where a pair of samples that shares its chroma is cut off: that PyAV does not lend.
    """
    pixel = frame.format.pixel
    packing = next((packing for packing in packings(pixel) if packing.name == (name or pixel.name)), None)
    if packing or not _has_whole_pairs(frame.format):
        picture = pack(frame, packing) if packing else _copied(frame)
        frame.release()
    else:
        picture = _lent(frame)
    picture.pts, picture.duration = frame.pts, frame.duration
    return picture


def _has_whole_pairs(format: FrameFormat) -> bool:
    return format.width % (1 << format.pixel.sub_x) == 0 == format.height % (1 << format.pixel.sub_y)


def _lent(frame: Frame) -> av.VideoFrame:
    planes = [plane[:] for plane in frame.planes]
    finalizer = weakref.finalize(planes[0], frame.release)
    finalizer.atexit = False
    if frame.format.pixel.interleaved:
        planes[1] = planes[1].reshape(planes[1].shape[0], -1, 2)
    return av.VideoFrame.from_dlpack(tuple(planes), format=frame.format.pixel.name)


def _copied(frame: Frame) -> av.VideoFrame:
    picture = av.VideoFrame(frame.format.width, frame.format.height, frame.format.pixel.name)
    for plane, samples in zip(picture.planes, frame.planes, strict=True):
        buffer: Any = plane  # whose stub does not say that it is one
        there: Plane = np.ndarray(samples.shape, samples.dtype, buffer, strides=(plane.line_size, samples.itemsize))
        there[:] = samples
    return picture

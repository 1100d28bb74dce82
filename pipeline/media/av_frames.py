"""Conversion of frames to PyAV's."""

from __future__ import annotations

import weakref
from typing import Any

import av
import numpy as np

from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.media.packed_formats import pack, packings


def wrap_frame(frame: Frame, name: str | None = None) -> av.VideoFrame:
    """`frame` as PyAV's, with its pts and duration.

    In the frame's own format, the samples are shared, and the frame is released when FFmpeg drops its last reference.
    In a packed format they are copied; also if the size is no multiple of the chroma subsampling, which PyAV does not
    wrap. The frame is then released at once.

    Args:
        frame: In main memory.
        name: FFmpeg's name of the format: the frame's own, which is the default, or one of its packings.
    """
    pixel = frame.format.pixel
    packing = next((packing for packing in packings(pixel) if packing.name == (name or pixel.name)), None)
    if packing or not _is_multiple_of_subsampling(frame.format):
        av_frame = pack(frame, packing) if packing else _copy(frame)
        frame.release()
    else:
        av_frame = _share(frame)
    av_frame.pts, av_frame.duration = frame.pts, frame.duration
    return av_frame


def _is_multiple_of_subsampling(format: FrameFormat) -> bool:
    return format.width % (1 << format.pixel.sub_x) == 0 == format.height % (1 << format.pixel.sub_y)


def _share(frame: Frame) -> av.VideoFrame:
    planes = [plane[:] for plane in frame.planes]  # views of which FFmpeg has the only references
    finalizer = weakref.finalize(planes[0], frame.release)
    finalizer.atexit = False
    if frame.format.pixel.interleaved:
        planes[1] = planes[1].reshape(planes[1].shape[0], -1, 2)
    return av.VideoFrame.from_dlpack(tuple(planes), format=frame.format.pixel.name)


def _copy(frame: Frame) -> av.VideoFrame:
    av_frame = av.VideoFrame(frame.format.width, frame.format.height, frame.format.pixel.name)
    for plane, samples in zip(av_frame.planes, frame.planes, strict=True):
        buffer: Any = plane  # its stub does not declare the buffer protocol
        target: Plane = np.ndarray(samples.shape, samples.dtype, buffer, strides=(plane.line_size, samples.itemsize))
        target[:] = samples
    return av_frame

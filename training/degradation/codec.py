"""Encoding and decoding of short clips in memory."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from pipeline.system.scheduling import scheduling_kept
from training.degradation.colour import Planes
from training.degradation.recipe import Encoding

_DECODERS = {"libx264": "h264", "libx265": "hevc", "libsvtav1": "libdav1d", "mpeg2video": "mpeg2video"}
_RATE = Fraction(25)
# One thread: as many clips are encoded at once as there are cores.
_PARAMETERS = {
    # With AVX-512, the macroblock tree of x264 in PyAV 18.1 codes equal frames differently from run to run.
    "libx264": {"x264-params": "asm=avx2"},
    "libx265": {"x265-params": "log-level=none:pools=none:frame-threads=1"},
    "libsvtav1": {"svtav1-params": "lp=1"},
}


def recode(frames: Sequence[Planes], encoding: Encoding) -> list[Planes]:
    """Encode frames and decode them again.

    Args:
        frames: Planes of each frame; both sides are even.
        encoding: Codec and settings; without a codec the frames are returned.

    Raises:
        ValueError: If the codec is not one of those known, or other than `len(frames)` frames are decoded.
        av.FFmpegError: If the codec refuses the settings.
    """
    if encoding.codec is None:
        return list(frames)
    if encoding.codec not in _DECODERS:
        raise ValueError(f"codec {encoding.codec} is not known; choose one of {', '.join(_DECODERS)}")
    height, width = frames[0][0].shape
    with scheduling_kept():
        encoder = _encoder(encoding, width, height)
        packets = [packet for number, planes in enumerate(frames) for packet in encoder.encode(_frame(planes, number))]
        packets += encoder.encode(None)
        del encoder
    decoder = av.CodecContext.create(_DECODERS[encoding.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    if len(decoded) != len(frames):
        raise ValueError(f"{encoding} returned {len(decoded)} of {len(frames)} frames; exclude these settings")
    return [planes_of(frame) for frame in sorted(decoded, key=lambda frame: frame.pts or 0)]


def planes_of(frame: av.VideoFrame) -> Planes:
    """Copies of the planes of a frame in yuv420p."""
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        planes.append(rows[:, : plane.width].copy())
    return tuple(planes)


def frame_of(planes: Planes) -> av.VideoFrame:
    """A frame in yuv420p with copies of these planes."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, samples in zip(frame.planes, planes, strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = samples
        plane.update(padded.tobytes())
    return frame


def _frame(planes: Planes, number: int) -> av.VideoFrame:
    frame = frame_of(planes)
    frame.pts, frame.time_base = number, 1 / _RATE
    return frame


def _encoder(encoding: Encoding, width: int, height: int) -> VideoCodecContext:
    assert encoding.codec is not None
    context = av.CodecContext.create(encoding.codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = 1 / _RATE, _RATE
    context.thread_count = 1
    if encoding.codec == "mpeg2video":
        # A constant quantiser, two B frames between references, as on DVDs.
        quantiser = str(encoding.quality)
        context.options = {"qmin": quantiser, "qmax": quantiser, "bf": "2", "b": "100M"}
    else:
        context.options = {
            "crf": str(encoding.quality),
            "preset": encoding.preset,
            **_PARAMETERS.get(encoding.codec, {}),
        }
    context.open()
    return context

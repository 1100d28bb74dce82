"""Transparency of a source: decoders that keep it, and whether a stream has any."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

# In WebM, alpha is a second stream of VP8 or VP9 in each block's additions (RFC 9559, 5.1.4.1.28.4, AlphaMode).
# FFmpeg's native decoders of both codecs ignore it; libvpx's decode it.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
ALPHA_MODE_TAG = "alpha_mode"  # FFmpeg's name of AlphaMode, which some files also have as a tag
_OPAQUE = 255


def choose_alpha_decoder(stream: VideoStream) -> VideoCodecContext:
    """A decoder of `stream` that keeps its alpha: the stream's own wherever that does."""
    own = stream.codec_context
    name = ALPHA_DECODERS.get(own.codec.canonical_name)
    if name is None or own.is_hwaccel or not declares_alpha(stream.metadata):
        return own
    try:
        context = av.CodecContext.create(name, "r")
    except av.codec.codec.UnknownCodecError:  # an FFmpeg without libvpx
        return own
    assert isinstance(context, VideoCodecContext)
    return context


def declares_alpha(metadata: dict[str, str]) -> bool:
    """Return True if a stream's `metadata` declares alpha in the additions of its blocks."""
    return any(key.lower() == ALPHA_MODE_TAG and value == "1" for key, value in metadata.items())


def has_alpha(format: str, codec: str, first: av.VideoFrame | None) -> bool:
    """Return True if a stream has alpha.

    A pixel format with alpha need not be used for it: a palette may be opaque, and FFmpeg decodes all GIFs to BGRA,
    though nearly all are opaque. In these cases the samples of the first frame decide.

    Args:
        format: FFmpeg's name of the stream's pixel format.
        codec: FFmpeg's name of its codec.
        first: Its first frame, None if there is none.
    """
    if first is not None and first.format.has_palette:
        palette = np.frombuffer(_buffer(first.planes[1]), np.uint8)  # 256 entries of B, G, R, A
        return bool((palette[3::4] < _OPAQUE).any())
    if first is not None and codec == "gif":
        alpha = first.reformat(format="gbrap", threads=1).planes[3]
        samples = np.frombuffer(_buffer(alpha), np.uint8).reshape(-1, alpha.line_size)
        return bool((samples[:, : alpha.width] < _OPAQUE).any())
    return any(component.is_alpha for component in av.VideoFormat(format).components)


def _buffer(plane: VideoPlane) -> Any:  # its stub does not declare the buffer protocol
    return plane

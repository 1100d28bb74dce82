"""Transparency: what decodes it where FFmpeg's usual decoders pass it over, and formats that may have none."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

# WebM's alpha is a second stream of VP8 or VP9 in what is added to each block (RFC 9559, 5.1.4.1.28.4, AlphaMode).
_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
ALPHA_MODE_TAG = "alpha_mode"  # FFmpeg's name of AlphaMode, which some files have as a tag besides
_OPAQUE = 255


def choose_alpha_decoder(stream: VideoStream) -> VideoCodecContext:
    """What decodes `stream` with its alpha, if it has any: mostly its own decoder."""
    own = stream.codec_context
    name = _DECODERS.get(own.codec.canonical_name)
    if name is None or own.is_hwaccel or not declares_alpha(stream.metadata):
        return own
    try:
        context = av.CodecContext.create(name, "r")
    except av.codec.codec.UnknownCodecError:  # an FFmpeg without libvpx
        return own
    assert isinstance(context, VideoCodecContext)
    return context


def declares_alpha(metadata: dict[str, str]) -> bool:
    """Whether a stream's `metadata` say that alpha lies beside its pictures."""
    return any(key.lower() == ALPHA_MODE_TAG and value == "1" for key, value in metadata.items())


def has_alpha(format: str, codec: str, first: av.VideoFrame | None) -> bool:
    """Whether a stream of FFmpeg's pixel `format` has alpha; where it need not, what its `first` frame shows decides.

    A palette may hold transparent colours. GIFs are decoded with alpha, though nearly all are opaque.
    """
    if first is not None and first.format.has_palette:
        return bool((np.frombuffer(_buffer(first.planes[1]), np.uint8)[3::4] < _OPAQUE).any())  # of 256 B, G, R, A
    if first is not None and codec == "gif":
        alpha = first.reformat(format="gbrap", threads=1).planes[3]
        samples = np.frombuffer(_buffer(alpha), np.uint8).reshape(-1, alpha.line_size)
        return bool((samples[:, : alpha.width] < _OPAQUE).any())
    return any(component.is_alpha for component in av.VideoFormat(format).components)


def _buffer(plane: VideoPlane) -> Any:  # whose stub does not say that it is one
    return plane

"""Codec parameters of streams that FFmpeg has no decoder for, to which PyAV gives no codec context."""

from __future__ import annotations

import io
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer

_NO_TAG = "\0\0\0\0"
_ANY_ENCODER = "mpeg4"  # of the streams whose parameters are replaced; it is never opened


def codec_name(stream: Any) -> str:
    """Return FFmpeg's name of a stream's codec, not of its decoder: "av1", not "libdav1d"; "" if FFmpeg has none."""
    if stream.codec_context is not None:
        return str(stream.codec_context.codec.canonical_name)
    with _null_container() as container:
        holder: Any = container.add_data_stream()
        _copy_parameters(stream, holder)
        name = holder.name
    return "" if name in (None, "none") else str(name)


def describe_codec(stream: Any) -> str:
    """Return a stream's codec as messages name it: FFmpeg's name, else the four characters in its container."""
    tag = codec_tag(stream)
    unknown = f"the unknown codec {tag}" if tag.isascii() and tag.isprintable() and tag else "an unknown codec"
    return codec_name(stream) or unknown


def codec_tag(stream: Any) -> str:
    """Return the four characters by which the container of `stream` names its codec; "" if it has none."""
    if stream.codec_context is not None:
        return str(stream.codec_context.codec_tag).strip("\0")
    with _null_container() as container:
        holder: Any = container.add_stream(_ANY_ENCODER)
        _copy_parameters(stream, holder)
        return str(holder.codec_context.codec_tag).strip("\0")


def add_undecodable_copy(container: OutputContainer, stream: Any, keep_tag: bool) -> Any:
    """Add a stream for the packets of `stream`, which has no codec context, to `container`.

    PyAV takes a stream of another codec as a template alone; the null filter then passes the codec parameters on.

    Args:
        container: The output, whose header is not yet written.
        stream: The stream of the source.
        keep_tag: Keep the container's own name of the codec, which only containers of the same family understand;
            otherwise the muxer chooses one.

    Raises:
        ValueError: The container supports no video that could be the template.
    """
    with _null_container() as templates:
        copy: Any = container.add_stream_from_template(templates.add_stream(container.default_video_codec), opaque=True)
    _copy_parameters(stream, copy)
    if not keep_tag:
        copy.codec_context.codec_tag = _NO_TAG
    copy.time_base = stream.time_base
    return copy


def _null_container() -> OutputContainer:
    """Open a container whose muxer writes nothing."""
    return av.open(io.BytesIO(), "w", format="null")


def _copy_parameters(stream: Any, to: Any) -> None:
    """Replace all codec parameters of the stream `to` by those of `stream`."""
    BitStreamFilterContext("null", stream, to)


def lacks_parameters(stream: Any) -> bool:
    """Return True if `stream` has no packet in the part of the file that was read when it was opened."""
    context = stream.codec_context
    if context is None:
        return False
    return (stream.type == "audio" and not context.sample_rate) or (stream.type == "video" and not context.width)

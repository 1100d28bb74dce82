"""What a container can hold, found out by trying: FFmpeg's own answer is often no more than a guess."""

from __future__ import annotations

import io
from typing import Any

import av
from av.container import OutputContainer

# Muxers that take any codec, or say nothing, and what FFmpeg's demuxers make of it afterwards: what is not listed here
# comes back as private data, or at wrong times. Each was written and read back.
_READ_BACK = {
    "mpegts": "mpeg2video mpeg4 h264 hevc mp2 mp3 aac aac_latm ac3 eac3 dts opus dvb_subtitle klv timed_id3",
    "mpeg": "mpeg1video mpeg2video mp2 mp3 ac3 dts dvd_subtitle",
    "ogg": "theora vp8 vorbis opus flac speex",
    "mxf": "pcm_s16le pcm_s24le",
}
# What FFmpeg's muxers take and its demuxers then give at wrong times, or so that it can't be decoded to its end.
_SPOILT = {"asf": ("flac",), "matroska": ("tta",), "nut": ("tta",)}
_WITHOUT_CHAPTERS = ("mpegts", "mpeg", "flv", "mxf")
_WITH_PICTURES = ("matroska", "mp4")  # mov forgets them, the others refuse
_WITH_ATTACHMENTS = ("matroska",)
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}  # as FFmpeg's


def codec_name(stream: Any) -> str:
    """What the format of a stream is called, whoever decodes it: "av1", not "libdav1d"."""
    context = stream.codec_context
    return str((context.codec.canonical_name if context else stream.name) or "an unknown codec")


def supports(muxer: str, stream: Any) -> bool:
    """Whether the container that FFmpeg calls `muxer` can hold a copy of `stream` and give it back as what it was."""
    if not reads_back(muxer, codec_name(stream)):
        return False
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            copy_of(trial, stream)
            trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def reads_back(muxer: str, codec: str) -> bool:
    """Whether `codec` is known to come out of the container again, where its muxer takes more than that."""
    if codec in _SPOILT.get(muxer, ()):
        return False
    return muxer not in _READ_BACK or codec in _READ_BACK[muxer].split()


def holds_chapters(muxer: str) -> bool:
    return muxer not in _WITHOUT_CHAPTERS


def supports_pictures(muxer: str) -> bool:
    """Whether cover art keeps its meaning there."""
    return muxer in _WITH_PICTURES


def supports_attachments(muxer: str) -> bool:
    return muxer in _WITH_ATTACHMENTS


def copy_of(container: OutputContainer, stream: Any) -> Any:
    """A new stream in `container` for the packets of `stream`. Raises ValueError if FFmpeg knows that it can't be."""
    copy = container.add_stream_from_template(stream, opaque=True)
    context = copy.codec_context
    if stream.type == "audio" and (layout := specified_layout(context.layout)) != context.layout.name:
        context.layout = layout
    return copy


def specified_layout(layout: av.AudioLayout) -> str:
    """The name of `layout`, or, where only the number of its channels is known, of the one that is usual for those."""
    said_nothing = layout.name.endswith("channels")
    return _USUAL_LAYOUTS.get(layout.nb_channels, layout.name) if said_nothing else layout.name

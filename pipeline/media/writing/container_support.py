"""The table of containers: the only place in the package that knows an output's container by name or suffix.

One row per container in `CONTAINERS`; containers without a row have the defaults of the columns. FFmpeg's own answer
to "does this container support that codec" is often no more than a guess, so each row states what was found by writing
files and reading them back.
"""

from __future__ import annotations

import io
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from pipeline.media.codec_parameters import add_undecodable_copy, codec_name
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.reading.spatial import CUBEMAP, EQUIRECTANGULAR, STEREO_MODES, TILED
from pipeline.media.writing.container_spec import ContainerSpec, CoverArt, DataStreams, RotationTags
from pipeline.media.writing.lead_in import with_codec_delay

_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}  # as FFmpeg's
# Apple's players refuse FFmpeg's choice, hev1, which allows parameter sets among the frames.
_APPLE_TAGS = {"hevc": "hvc1"}
_PARAMETER_SETS_IN_BAND = "hev1"  # its packets may contain them, and are copied as they are
_FRAGMENTED = {"movflags": "hybrid_fragmented"}
_MPEGTS = "mpeg2video mpeg4 h264 hevc mp2 mp3 aac aac_latm ac3 eac3 dts opus dvb_subtitle dvb_teletext klv timed_id3"
# What FFmpeg's RTSP muxer can announce (sdp.c, rtpenc.c).
_RTP = "h264 hevc vp8 vp9 av1 mpeg4 aac opus pcm_mulaw pcm_alaw mp2 mp3 vorbis adpcm_g722 pcm_s16be"
_ST3D = frozenset({"left_right", "top_bottom"})  # box of the mp4 family, in which eyes can't be swapped
_SPHERES = frozenset({EQUIRECTANGULAR, TILED, CUBEMAP})
CONTAINERS = {
    spec.muxer: spec
    for spec in (
        ContainerSpec(
            "matroska",
            (".mkv",),
            matroska=True,
            unreadable_codecs=frozenset({"tta"}),
            cover_art=CoverArt.ATTACHMENT,
            attachments=True,
            timecode=True,
            text_subtitles="subrip",
            hdr_metadata=True,
            partial_hdr_metadata=True,
            stereo_modes=frozenset(STEREO_MODES[1:]),
            projections=_SPHERES,
            alpha_side_data=True,
            sample_aspect=True,
            rotation=RotationTags.ANGLES,
            signals_chroma_location=True,
            h265=True,
            alpha_roles=(Role.WEB_ALPHA, Role.LOSSLESS),
            deep_role=Role.LOSSLESS,
            live_options={"cluster_time_limit": "1000"},
        ),
        ContainerSpec(
            "webm",
            (".webm",),
            matroska=True,
            timecode=True,
            hdr_metadata=True,
            partial_hdr_metadata=True,
            stereo_modes=frozenset({"left_right", "right_left", "top_bottom", "bottom_top"}),
            projections=_SPHERES,
            alpha_side_data=True,
            sample_aspect=True,
            signals_chroma_location=True,
            web_only=True,
        ),
        ContainerSpec(
            "mp4",
            (".mp4",),
            iso=True,
            codec_tags=_APPLE_TAGS,
            cover_art=CoverArt.STREAM,
            timecode=True,
            data_streams=DataStreams.OWN,
            text_subtitles="mov_text",
            hdr_metadata=True,
            stereo_modes=_ST3D,
            projections=_SPHERES,
            sample_aspect=True,
            rotation=RotationTags.ALL,
            h265=True,
            live_options=_FRAGMENTED,
        ),
        ContainerSpec(
            "mov",  # its muxer accepts cover art, and forgets it
            (".mov",),
            iso=True,
            codec_tags=_APPLE_TAGS,
            timecode=True,
            data_streams=DataStreams.OWN,
            text_subtitles="mov_text",
            hdr_metadata=True,
            stereo_modes=_ST3D,
            sample_aspect=True,
            rotation=RotationTags.ALL,
            signals_range=False,  # QuickTime's colr box has none
            h265=True,
            alpha_roles=(Role.EDITING_ALPHA,),
            live_options=_FRAGMENTED,
        ),
        ContainerSpec(
            "ipod",
            (".m4v",),
            iso=True,
            data_streams=DataStreams.OWN,
            text_subtitles="mov_text",
            sample_aspect=True,
            rotation=RotationTags.ALL,
        ),
        ContainerSpec(
            "mpegts",
            (".ts",),
            readable_codecs=frozenset(_MPEGTS.split()),
            chapters=False,
            data_streams=DataStreams.ALL,
            h265=True,
            live_options={},
        ),
        ContainerSpec(
            "mpeg",
            (".mpg", ".mpeg"),
            readable_codecs=frozenset("mpeg1video mpeg2video mp2 mp3 ac3 dts dvd_subtitle".split()),
            chapters=False,
        ),
        ContainerSpec(
            "nut",
            (".nut",),
            unreadable_codecs=frozenset({"tta"}),
            signals_colour=False,
            h265=True,
            alpha_roles=(Role.LOSSLESS,),
        ),
        ContainerSpec(
            "flv",
            (".flv",),
            opens_connection=False,
            chapters=False,
            signals_colour=False,
            max_seconds=24 * 86_400,  # its milliseconds end at 2^31, within the 25th day
        ),
        ContainerSpec(
            "asf",
            (".asf", ".wmv"),
            unreadable_codecs=frozenset({"flac"}),
            sample_aspect=True,
            signals_colour=False,
        ),
        ContainerSpec(
            "ogg",
            (".ogg",),
            readable_codecs=frozenset("theora vp8 vorbis opus flac speex".split()),
            sample_aspect=True,
        ),
        ContainerSpec(
            "mxf",
            (".mxf",),
            readable_codecs=frozenset({"pcm_s16le", "pcm_s24le"}),
            chapters=False,
            sample_aspect=True,
        ),
        ContainerSpec("gif", (".gif",), loop_option="loop", loop_counts_repeats=True),
        ContainerSpec("apng", (".apng",), loop_option="plays"),
        ContainerSpec("hls", keeps_times=False, contents="mpegts"),
        ContainerSpec(
            "rtsp",
            keeps_times=False,
            readable_codecs=frozenset(_RTP.split()),
            codecs_with_header=frozenset({"aac"}),  # SDP states its configuration
            is_network=True,
        ),
        ContainerSpec("yuv4mpegpipe", ("",), keeps_times=False, sample_aspect=True),
    )
}

GENERAL = CONTAINERS["matroska"]  # supports nearly everything: used where the user names no container
COMMON = (GENERAL, CONTAINERS["mpegts"], CONTAINERS["mp4"])  # recommended for a stream, the first that supports it


def container_spec(muxer: str) -> ContainerSpec:
    """Return the row of the container that FFmpeg's `muxer` writes, or the defaults if it has none."""
    return CONTAINERS.get(muxer) or ContainerSpec(muxer)


def container_for(path: Path) -> ContainerSpec:
    """Return the row of the container of the output `path`, or the defaults, without a muxer, if it has none."""
    suffix = path.suffix.lower()
    found = (spec for spec in CONTAINERS.values() if suffix in spec.suffixes)
    return next(found, ContainerSpec("", (suffix,)))


def supports(muxer: str, stream: Any) -> bool:
    """Return True if `muxer` accepts a copy of `stream` and FFmpeg reads it back unchanged; found out by trying."""
    spec, codec = container_spec(muxer), codec_name(stream)
    if spec.contents:
        return supports(spec.contents, stream)
    if not reads_back(muxer, codec) or (not codec and is_undecodable(stream)):
        return False  # FFmpeg does not read the configuration of a codec that it does not know
    if spec.is_network:
        return stream.codec_context is not None and (
            codec not in spec.codecs_with_header or bool(stream.codec_context.extradata)
        )
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            add_stream_copy(trial, stream)
            trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def is_output(muxer: str) -> bool:
    """Return True if an output can be in the container that FFmpeg's `muxer` writes: it has a row, and is no pipe."""
    return muxer in CONTAINERS and CONTAINERS[muxer].keeps_times


def reads_back(muxer: str, codec: str) -> bool:
    """Return True if FFmpeg reads `codec` back from the container that `muxer` writes, if the muxer accepts it."""
    spec = container_spec(muxer)
    return codec not in spec.unreadable_codecs and (spec.readable_codecs is None or codec in spec.readable_codecs)


def add_stream_copy(container: OutputContainer, stream: Any, lead_in: Fraction = Fraction(0)) -> Any:
    """Add a stream for the packets of `stream` to `container`.

    Args:
        container: The output, whose header is not yet written.
        stream: The stream of the source.
        lead_in: Seconds at its beginning that decoders drop, for a container that does not find them in the packets.

    Raises:
        ValueError: FFmpeg knows that the container does not support the stream.
    """
    if is_undecodable(stream):
        return add_undecodable_copy(container, stream, _is_same_family(container.format.name, stream))
    with with_codec_delay(stream, lead_in) if lead_in else nullcontext(stream) as template:
        copy = container.add_stream_from_template(template, opaque=True)
    copy.time_base = stream.time_base
    context = copy.codec_context
    tag = codec_tag(container, codec_name(stream))
    if tag and stream.codec_context.codec_tag != _PARAMETER_SETS_IN_BAND:
        context.codec_tag = tag
    if stream.type == "audio" and (layout := specified_layout(context.layout)) != context.layout.name:
        context.layout = layout
    return copy


def is_undecodable(stream: Any) -> bool:
    """Return True if FFmpeg has no decoder for `stream`, which is audio, subtitles or video."""
    return stream.codec_context is None and stream.type not in ("data", "attachment")


def _is_same_family(muxer: str, stream: Any) -> bool:
    """Return True if the container of `stream` names codecs as `muxer` does."""
    demuxers = stream.container.format.name.split(",")
    return muxer in demuxers or (container_spec(muxer).iso and container_spec(demuxers[0]).iso)


def codec_tag(container: OutputContainer, codec: str) -> str | None:
    """Return the sample entry's four characters for `codec` in `container`; None for the muxer's own choice."""
    return container_spec(container.format.name).codec_tags.get(codec)


def specified_layout(layout: av.AudioLayout) -> str:
    """Return the name of `layout`; if only the number of channels is known, of the usual layout for that number."""
    is_unspecified = layout.name.endswith("channels")
    return _USUAL_LAYOUTS.get(layout.nb_channels, layout.name) if is_unspecified else layout.name

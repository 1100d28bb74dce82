"""Makes the VideoInfo of a stream out of its headers and its first frame."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from pipeline.colour.tags import ColourTags, resolve_colour
from pipeline.errors import InputError
from pipeline.frame import UNSPECIFIED, FrameFormat, PixelFormat, Siting
from pipeline.media.packed_formats import nearest_format
from pipeline.media.reading import alpha
from pipeline.media.reading.crop import cropped_sample_aspect, read_crop, requested_crop
from pipeline.media.reading.description import read_siting_tag
from pipeline.media.reading.encryption import refuse_encrypted_file, refuse_encrypted_packet, refuse_undecodable_file
from pipeline.media.reading.hdr import list_dynamic_hdr, read_hdr
from pipeline.media.reading.image_sequence import IMAGE_DEMUXERS, image_colour
from pipeline.media.reading.input_container import (
    CODING_ORDER_DEMUXERS,
    NO_TIMESTAMPS_FLAG,
    demux,
    frame_rate,
    open_input,
)
from pipeline.media.reading.interlacing import read_scan
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.side_data import has_side_data, read_side_data
from pipeline.media.reading.side_data_kinds import FRAME_KINDS, LABELLED
from pipeline.media.reading.spatial import read_projection, read_stereo_mode

_MAX_PACKETS_WITHOUT_PTS = 1000  # that are read in search of the first pts


def read_video_info(path: Path, container: InputContainer, stream: VideoStream, duration: float | None) -> VideoInfo:
    """The description of `stream`, of which the first frame is decoded.

    Args:
        path: The file that `container` reads.
        container: Open, and not read yet.
        stream: One of its video streams.
        duration: The duration of the container in seconds, None if unknown.

    Raises:
        InputError: The video can't be decoded, or is of a kind that can't be upscaled.
    """
    context = stream.codec_context
    refuse_encrypted_file(path, container, stream)
    if not context.pix_fmt or not context.width:
        refuse_undecodable_file(path, container, stream)
        raise InputError(f"{path}: its video can't be decoded ({context.name}, no frame found)")
    if stream.time_base is None:
        raise InputError(f"{path}: its video has no time base")
    decoder = alpha.choose_alpha_decoder(stream)
    first = _decode_first_frame(path, container, stream, decoder)
    if first is None:
        refuse_undecodable_file(path, container, stream)
    rate = frame_rate(container, stream)
    video = build_video_info(stream, context, decoder, first, rate, read_siting_tag(stream))
    is_image = container.format.name in IMAGE_DEMUXERS
    colour = image_colour(context, video.format.colour) if is_image else video.format.colour
    return replace(
        _as_shown(replace(video, format=replace(video.format, colour=colour)), stream, first),
        start=_first_pts(path, container, stream, first),
        frames=stream.frames or _estimated_frames(container, duration, rate),
        dynamic_hdr=list_dynamic_hdr(path, stream, first),
        labels=_metadata_labels(first, is_image),
    )


def _as_shown(video: VideoInfo, stream: VideoStream, first: av.VideoFrame | None) -> VideoInfo:
    """`video` as players show it: cropped, and with what is known of its views and its projection."""
    crop = read_crop(stream, video.format.pixel)
    width, height = video.format.width, video.format.height
    return replace(
        video,
        format=video.format.resized(*crop.size(width, height)) if crop else video.format,
        sample_aspect=cropped_sample_aspect(stream, requested_crop(stream)),
        crop=crop,
        stereo=read_stereo_mode(stream, first),
        projection=read_projection(first),
    )


def _estimated_frames(container: InputContainer, duration: float | None, rate: Fraction) -> int | None:
    """The number of frames in `duration`, the container's in seconds; None if unknown.

    Of Matroska, FFmpeg's muxer declares the time at which the last stream ends, others the time from start to end.
    """
    if not duration:
        return None
    is_end = container.format.name.startswith("matroska") and container.metadata.get("ENCODER", "").startswith("Lavf")
    start = (container.start_time or 0) / av.time_base if is_end else 0
    return max(1, round((duration - start) * rate))


def build_video_info(
    stream: VideoStream,
    context: VideoCodecContext,
    decoder: VideoCodecContext,
    first: av.VideoFrame | None,
    rate: Fraction,
    siting: Siting | None,
) -> VideoInfo:
    """The description of a stream without its start, length and dynamic metadata.

    Args:
        stream: The stream.
        context: The codec context that has its codec and colour tags.
        decoder: The codec context that decodes it, mostly the same.
        first: Its first frame, None if none can be decoded.
        rate: Frames per second.
        siting: The tagged chroma location, None if there is no tag.
    """
    assert context.pix_fmt is not None
    assert stream.time_base is not None
    source_format = decoder.pix_fmt or context.pix_fmt
    is_transparent = alpha.has_alpha(source_format, context.name, first)
    return VideoInfo(
        index=stream.index,
        codec=context.name,
        source_format=source_format,
        format=_read_format(context, nearest_format(source_format, is_transparent), siting),
        rate=rate,
        time_base=stream.time_base,
        start=0,
        frames=None,
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        bit_rate=context.bit_rate or None,
        tagged=context.colorspace != UNSPECIFIED,
        scan=read_scan(stream, first),
        display_matrix=_read_display_matrix(first),
        hdr=read_hdr(first),
        dynamic_hdr=(),
        alpha=is_transparent,
    )


def _read_format(context: VideoCodecContext, pixel: PixelFormat, siting: Siting | None) -> FrameFormat:
    assert context.pix_fmt is not None
    tags = ColourTags(
        matrix=int(context.colorspace),
        range_tag=int(context.color_range),
        primaries=int(context.color_primaries),
        transfer=int(context.color_trc),
        siting=siting,
    )
    colour = resolve_colour(tags, context.width, context.height, context.pix_fmt, context.name)
    return FrameFormat(context.width, context.height, pixel, colour)


def _decode_first_frame(
    path: Path, container: InputContainer, stream: VideoStream, decoder: VideoCodecContext
) -> av.VideoFrame | None:
    """The first frame that can be decoded; packets before it that can't are skipped. Raises InputError if encrypted."""
    with demux(container, stream) as packets:
        for packet in packets:
            refuse_encrypted_packet(path, packet)
            with contextlib.suppress(av.error.FFmpegError):
                if frames := decoder.decode(packet if packet.size else None):
                    return frames[0]
    return None


def _first_pts(path: Path, container: InputContainer, stream: VideoStream, first: av.VideoFrame | None) -> int:
    declared = stream.start_time or 0
    if container.format.name in CODING_ORDER_DEMUXERS or first is None:
        return declared
    if first.pts is None and not container.format.flags & NO_TIMESTAMPS_FLAG and not is_pipe(path):
        return _extrapolate_first_pts(path, stream)
    return declared if first.pts is None else first.pts


def _extrapolate_first_pts(path: Path, stream: VideoStream) -> int:
    """The first pts of a stream whose first packets have none, counted back from the first packet that has one.

    Matroska's packets before time 0 are such.
    """
    with open_input(path) as container, demux(container, container.streams[stream.index]) as packets:
        frame_duration = 1 / (frame_rate(container, stream) * (stream.time_base or 1))
        for count, packet in enumerate(packets):
            if packet.pts is not None:
                return packet.pts - round(count * (packet.duration or frame_duration))
            if count == _MAX_PACKETS_WITHOUT_PTS:
                break
    return stream.start_time or 0


def _metadata_labels(frame: av.VideoFrame | None, is_image: bool) -> tuple[str, ...]:
    if frame is None:
        return ()
    kinds = ["ICC_PROFILE"] * has_side_data(frame, "ICC_PROFILE") + ["EXIF"] * (is_image and _has_metadata(frame))
    kinds += [kind for kind in LABELLED if has_side_data(frame, kind)]
    return tuple(FRAME_KINDS[kind].about for kind in kinds)


def _has_metadata(frame: av.VideoFrame) -> bool:
    try:
        return bool(frame.metadata)
    except UnicodeDecodeError:  # PyAV insists on UTF-8, which EXIF data does not
        return True


def _read_display_matrix(frame: av.VideoFrame | None) -> tuple[int, ...] | None:
    matrix = None if frame is None else read_side_data(frame, "DISPLAYMATRIX")
    return None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist())

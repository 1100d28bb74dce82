"""What is in a file: path → MediaInfo, without decoding more than one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.colour import tags
from pipeline.errors import InputError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, PixelFormat, plain_name
from pipeline.media.borders import reading
from pipeline.media.siting import tagged_siting

# Containers of video, by the names of FFmpeg's demuxers. Playlists, scripts and network descriptions are left out:
# they can name any other file.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2 matroska,webm avi mpegts mpeg mpegvideo m4v h264 hevc vvc av1 obu ivf flv asf ogg mxf nut "
    "rm gif apng wtv dv yuv4mpegpipe swf nsv roq bink smk vivo film_cpk mpegtsraw mjpeg"
).split()
_HDR_DATA = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
_FAST_ENOUGH_TO_COUNT = 1000  # rates above are time bases in disguise


@dataclass(frozen=True)
class StreamInfo:
    """A stream beside the video that is upscaled. kind: audio, subtitle, attachment, data or video."""

    index: int
    kind: str
    codec: str
    language: str | None
    title: str | None
    details: str = ""


@dataclass(frozen=True)
class VideoInfo:
    """The video stream that is upscaled.

    source_format: FFmpeg's name of the decoder's format. format: what frames are turned into, if that is another one.
    rate: frames in a second, exact, an average where it varies. frames: how many to expect, None if unknown.
    start: the first pts, in `time_base`. display_matrix: how players turn the picture, 9 integers, or None.
    hdr_metadata: it has mastering display or light level data.
    """

    index: int
    codec: str
    source_format: str
    format: FrameFormat
    rate: Fraction
    time_base: Fraction
    start: int
    frames: int | None
    sample_aspect: Fraction
    bit_rate: int | None
    tagged: bool
    interlaced: bool
    display_matrix: tuple[int, ...] | None
    hdr_metadata: bool
    alpha: bool


@dataclass(frozen=True)
class MediaInfo:
    """A file with one video to upscale. duration: in seconds, None if unknown. bytes: of the file."""

    path: Path
    container: str
    duration: float | None
    bytes: int
    video: VideoInfo
    others: tuple[StreamInfo, ...] = ()
    chapters: int = 0
    metadata: dict[str, str] = field(default_factory=dict)


def open_input(path: Path, accel: HWAccel | None = None) -> InputContainer:
    """Open a local file, and nothing but a file, in a container of video. Raises InputError."""
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}
    with reading(path):
        return av.open(f"file:{path}", options=options, hwaccel=accel)


def probe(path: str | Path) -> MediaInfo:
    """Look into `path`. Raises InputError if there is no video to upscale."""
    path = Path(path)
    with open_input(path) as container, reading(path):
        stream = main_video(path, container)
        duration = container.duration / av.time_base if container.duration else None
        return MediaInfo(
            path=path,
            container=container.format.name,
            duration=duration,
            bytes=path.stat().st_size,
            video=_video(path, container, stream, duration),
            others=tuple(_other(s) for s in container.streams if s.index != stream.index),
            chapters=len(container.chapters()),
            metadata=dict(container.metadata),
        )


def main_video(path: Path, container: InputContainer) -> VideoStream:
    """The first video stream that is not a cover picture. Raises InputError if there is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(f"{path}: no decoder for its video")
            return stream
    kinds = {"cover picture" if s.type == "video" else str(s.type) for s in container.streams} or {"nothing"}
    raise InputError(f"{path}: has no video, only {', '.join(sorted(kinds))}")


def supported_format(name: str) -> PixelFormat:
    """The format that frames of FFmpeg's pixel format `name` are turned into: itself, or the nearest that holds it."""
    if plain_name(name) in PIXEL_FORMATS:
        return PIXEL_FORMATS[plain_name(name)]
    components = av.VideoFormat(name, 64, 64)
    depth = max((c.bits for c in components.components), default=8)
    kept = next((d for d in (8, 10, 12) if d >= depth), 12)
    gray = len(components.components) == 1 and not components.has_palette
    wide = components.is_rgb or components.has_palette or components.chroma_width(64) == 64
    layout = "444" if wide else "420" if components.chroma_height(64) == 32 else "422"
    suffix = "" if kept == 8 else f"{kept}le"
    return PIXEL_FORMATS[("gray" if gray else f"yuv{layout}p") + suffix]


def _video(path: Path, container: InputContainer, stream: VideoStream, duration: float | None) -> VideoInfo:
    context = stream.codec_context
    if not context.pix_fmt or not context.width:
        raise InputError(f"{path}: its video can't be decoded ({context.name}, no picture found)")
    first = _first_frame(container, stream)
    pixel = supported_format(context.pix_fmt)
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
    if rate > _FAST_ENOUGH_TO_COUNT and stream.frames and duration:
        rate = Fraction(stream.frames / duration).limit_denominator(1001)
    if stream.time_base is None:
        raise InputError(f"{path}: its video has no time base")
    return VideoInfo(
        index=stream.index,
        codec=context.name,
        source_format=context.pix_fmt,
        format=FrameFormat(context.width, context.height, pixel, _colour(stream)),
        rate=rate,
        time_base=stream.time_base,
        start=_start(first, stream),
        frames=stream.frames or (round(duration * rate) if duration else None),
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        bit_rate=context.bit_rate or None,
        tagged=context.colorspace != 2,
        interlaced=bool(first is not None and first.interlaced_frame),
        display_matrix=_display_matrix(first),
        hdr_metadata=any(_side_data(first, name) is not None for name in _HDR_DATA),
        alpha=any(component.is_alpha for component in av.VideoFormat(context.pix_fmt).components),
    )


def _colour(stream: VideoStream) -> Colour:
    context = stream.codec_context
    return tags.resolved(
        int(context.colorspace),
        int(context.color_range),
        int(context.color_primaries),
        int(context.color_trc),
        context.width,
        context.height,
        str(context.pix_fmt),
        context.name,
        tagged_siting(stream),
    )


def _first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    return next(iter(container.decode(stream)), None)


def _start(first: av.VideoFrame | None, stream: VideoStream) -> int:
    return stream.start_time or 0 if first is None or first.pts is None else first.pts


def _display_matrix(frame: av.VideoFrame | None) -> tuple[int, ...] | None:
    matrix = _side_data(frame, "DISPLAYMATRIX")
    return None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist())


def _side_data(frame: av.VideoFrame | None, name: str) -> Any:
    return None if frame is None else frame.side_data.get(name)


def _other(stream: Any) -> StreamInfo:
    context = stream.codec_context
    details = ""
    if stream.type == "audio" and context is not None:
        details = f"{context.sample_rate} Hz {context.layout.name}"
    return StreamInfo(
        index=stream.index,
        kind=stream.type,
        codec=context.name if context is not None else "unknown",
        language=stream.language,
        title=stream.metadata.get("title"),
        details=details,
    )

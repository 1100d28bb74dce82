"""What is in a file: path → MediaInfo, without decoding more than one frame."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from pipeline.colour.tags import ColourTags, resolve_colour
from pipeline.config.address import refuse_address
from pipeline.errors import InputError
from pipeline.frame import Colour, FrameFormat, Siting
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.packed_formats import nearest_format
from pipeline.media.reading import alpha, image_sequence
from pipeline.media.reading.animation import is_animated_png
from pipeline.media.reading.description import read_siting_tag
from pipeline.media.reading.hdr import Hdr, list_dynamic_hdr, read_hdr
from pipeline.media.reading.image_sequence import ImageSequence, is_image, is_pattern, open_images
from pipeline.media.reading.interlacing import Scan, read_scan
from pipeline.media.reading.pipe import Pipe, is_pipe, open_pipe
from pipeline.media.reading.side_data import has_icc_profile, read_side_data

# Containers of video, by the names of FFmpeg's demuxers. Playlists, scripts and network descriptions are left out:
# they can name any other file.
INPUT_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2 matroska,webm avi mpegts mpeg mpegvideo m4v h264 hevc vvc av1 obu ivf flv asf ogg mxf nut "
    "rm gif apng wtv dv yuv4mpegpipe swf nsv roq bink smk vivo film_cpk mpegtsraw mjpeg"
).split()
CODING_ORDER_DEMUXERS = ("avi",)  # those that only know when packets are decoded
NO_TIMESTAMPS_FLAG = 0x80  # FFmpeg's AVFMT_NOTIMESTAMPS: raw streams
_UNTIMED = 1000  # packets that are looked through for a time
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
    start: the first pts, in `time_base`. scan: what it says of its fields. display_matrix: how players turn the
    picture, 9 integers, or None.
    hdr: its mastering display and light levels, None if it tells none. dynamic_hdr: the names of what it tells beside
    that and no result can, such as "HDR10+". labels: what else a picture has that no result gets, such as EXIF.
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
    scan: Scan
    display_matrix: tuple[int, ...] | None
    hdr: Hdr | None
    dynamic_hdr: tuple[str, ...]
    alpha: bool
    labels: tuple[str, ...] = ()

    @property
    def start_time(self) -> Fraction:
        """When the first frame is shown, in seconds."""
        return self.start * self.time_base

    @property
    def frame_duration(self) -> int:
        """How long a frame lasts, on average, in `time_base`."""
        return max(1, round(1 / (self.rate * self.time_base)))


@dataclass(frozen=True)
class MediaInfo:
    """A file with one video to upscale. duration: in seconds, None if unknown. bytes: of the file, 0 if unknown.

    pictures, pipe: what stands in for a file, if it is none.
    """

    path: Path
    container: str
    duration: float | None
    bytes: int
    video: VideoInfo
    others: tuple[StreamInfo, ...] = ()
    chapters: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    images: ImageSequence | None = None
    pipe: Pipe | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read on the disk."""
        if self.images:
            return tuple(self.images.files.values())
        return () if self.pipe else (self.path,)


def open_input(path: Path, accel: HWAccel | None = None, pipe: Pipe | None = None) -> InputContainer:
    """Open a local file, or `pipe`, and nothing but that, in a container of video. Raises InputError."""
    if pipe is not None:
        return open_pipe(pipe, INPUT_DEMUXERS)
    options = {"format_whitelist": ",".join(INPUT_DEMUXERS), "protocol_whitelist": "file"}
    with translate_read_errors(path):
        return av.open(f"file:{path}", options=options, hwaccel=accel)


def probe(path: str | Path, video: int | None = None) -> MediaInfo:
    """Look into `path`: a file, a pattern of pictures such as %05d.png, or "-", standard input.

    video: the stream to upscale, None for the first. Raises InputError if there is none, SettingsError for an address.
    """
    refuse_address(path)
    path = Path(path)
    if is_pipe(path):
        pipe = Pipe.standard_input()
        with open_input(path, pipe=pipe) as container:
            return replace(_media(path, container, video), pipe=pipe)
    if is_pattern(path) or (is_image(path) and path.exists() and not is_animated_png(path)):
        found = ImageSequence.find(path)
        with open_images(found) as container:
            return _of_pictures(_media(path, container), found)
    with open_input(path) as container:
        return replace(_media(path, container, video), bytes=path.stat().st_size)


def _media(path: Path, container: InputContainer, video: int | None = None) -> MediaInfo:
    with translate_read_errors(path, "at its beginning"):
        stream = select_video(path, container, video)
        duration = container.duration / av.time_base if container.duration else None
        return MediaInfo(
            path=path,
            container=container.format.name,
            duration=duration,
            bytes=0,
            video=_video(path, container, stream, duration),
            others=tuple(_other(s) for s in container.streams if s.index != stream.index),
            chapters=len(container.chapters()),
            metadata=dict(container.metadata),
        )


def _of_pictures(media: MediaInfo, found: ImageSequence) -> MediaInfo:
    video = replace(media.video, frames=len(found.files), start=0)
    duration = float(found.length / video.rate)
    return replace(media, video=video, duration=duration, bytes=found.bytes, images=found)


def select_video(path: Path, container: InputContainer, wanted: int | None = None) -> VideoStream:
    """The video stream of index `wanted`, or the first that is no cover picture. Raises InputError if there is none."""
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    for stream in videos:
        if wanted in (None, stream.index):
            if stream.codec_context is None:
                raise InputError(f"{path}: no decoder for its video")
            return stream
    if videos:
        numbers = ", ".join(str(stream.index) for stream in videos)
        raise InputError(f"{path}: --video-stream {wanted} is none of its videos: {numbers}")
    kinds = {"cover picture" if s.type == "video" else str(s.type) for s in container.streams} or {"nothing"}
    raise InputError(f"{path}: has no video, only {', '.join(sorted(kinds))}")


def _video(path: Path, container: InputContainer, stream: VideoStream, duration: float | None) -> VideoInfo:
    context = stream.codec_context
    if not context.pix_fmt or not context.width:
        raise InputError(f"{path}: its video can't be decoded ({context.name}, no picture found)")
    if stream.time_base is None:
        raise InputError(f"{path}: its video has no time base")
    decoder = alpha.choose_alpha_decoder(stream)
    first = _first_frame(container, stream, decoder)
    rate = frame_rate(container, stream)
    video = build_video_info(stream, context, decoder, first, rate, read_siting_tag(stream))
    return replace(
        video,
        format=replace(video.format, colour=_colour(container, stream, video.format.colour)),
        start=_start(path, container, stream, first),
        frames=stream.frames or (round(duration * rate) if duration else None),
        dynamic_hdr=list_dynamic_hdr(path, stream, first),
        labels=_labels(container, first),
    )


def build_video_info(
    stream: VideoStream,
    context: VideoCodecContext,
    decoder: VideoCodecContext,
    first: av.VideoFrame | None,
    rate: Fraction,
    siting: Siting | None,
) -> VideoInfo:
    """What `stream` tells, and its `first` frame, and the `context` that knows its codec and colours.

    decoder: what decodes it, mostly the same. siting: of its chroma, as tagged. Where it starts and ends, and what lies
    beside it, the caller knows.
    """
    assert context.pix_fmt is not None
    assert stream.time_base is not None
    coded = decoder.pix_fmt or context.pix_fmt
    is_transparent = alpha.has_alpha(coded, context.name, first)
    colour = resolve_colour(
        ColourTags(
            matrix=int(context.colorspace),
            range_tag=int(context.color_range),
            primaries=int(context.color_primaries),
            transfer=int(context.color_trc),
            siting=siting,
        ),
        context.width,
        context.height,
        context.pix_fmt,
        context.name,
    )
    return VideoInfo(
        index=stream.index,
        codec=context.name,
        source_format=coded,
        format=FrameFormat(context.width, context.height, nearest_format(coded, is_transparent), colour),
        rate=rate,
        time_base=stream.time_base,
        start=0,
        frames=None,
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        bit_rate=context.bit_rate or None,
        tagged=context.colorspace != 2,
        scan=read_scan(stream, first),
        display_matrix=_display_matrix(first),
        hdr=read_hdr(first),
        dynamic_hdr=(),
        alpha=is_transparent,
    )


def frame_rate(container: InputContainer, stream: VideoStream) -> Fraction:
    """Frames in a second, on average."""
    rates = [rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate] or [Fraction(25)]
    if rates[0] > _FAST_ENOUGH_TO_COUNT and stream.frames and container.duration:
        return Fraction(stream.frames * av.time_base, container.duration).limit_denominator(1001)
    return next((rate for rate in rates if rate <= _FAST_ENOUGH_TO_COUNT), rates[0])


def _colour(container: InputContainer, stream: VideoStream, resolved: Colour) -> Colour:
    is_image = container.format.name in image_sequence.IMAGE_DEMUXERS
    return image_sequence.image_colour(stream.codec_context, resolved) if is_image else resolved


def _first_frame(container: InputContainer, stream: VideoStream, decoder: VideoCodecContext) -> av.VideoFrame | None:
    """The first frame that can be decoded, whatever precedes it."""
    for packet in container.demux(stream):
        with contextlib.suppress(av.error.FFmpegError):
            if frames := decoder.decode(packet if packet.size else None):
                return frames[0]
    return None


def _start(path: Path, container: InputContainer, stream: VideoStream, first: av.VideoFrame | None) -> int:
    told = stream.start_time or 0
    if container.format.name in CODING_ORDER_DEMUXERS or first is None:
        return told
    if first.pts is None and not container.format.flags & NO_TIMESTAMPS_FLAG and not is_pipe(path):
        return _counted_back(path, stream)
    return told if first.pts is None else first.pts


def _counted_back(path: Path, stream: VideoStream) -> int:
    """The first pts of a stream that has none at its beginning, as Matroska below 0: from the first that there is."""
    with open_input(path) as container:
        lasting = 1 / (frame_rate(container, stream) * (stream.time_base or 1))
        for count, packet in enumerate(container.demux(container.streams[stream.index])):
            if packet.pts is not None:
                return packet.pts - round(count * (packet.duration or lasting))
            if count == _UNTIMED:
                break
    return stream.start_time or 0


def _labels(container: InputContainer, frame: av.VideoFrame | None) -> tuple[str, ...]:
    if frame is None:
        return ()
    is_profiled = has_icc_profile(frame)
    has_exif = container.format.name in image_sequence.IMAGE_DEMUXERS and bool(frame.metadata)
    return ("ICC profile",) * is_profiled + ("EXIF data",) * has_exif


def _display_matrix(frame: av.VideoFrame | None) -> tuple[int, ...] | None:
    matrix = _side_data(frame, "DISPLAYMATRIX")
    return None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist())


def _side_data(frame: av.VideoFrame | None, name: str) -> Any:
    return None if frame is None else read_side_data(frame, name)


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

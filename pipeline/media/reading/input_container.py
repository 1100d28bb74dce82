"""Opening of local files and pipes, restricted to containers of video, and the choice of their video stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.context import CodecContext
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.pid_map import RemappedFile, changed_pids
from pipeline.media.reading.pipe import Pipe, open_pipe
from pipeline.media.reading.source import Packet
from pipeline.media.reading.text_tags import UNDECODED, decode_tags

# FFmpeg's demuxers of video files. Playlists, scripts and network descriptions are left out: they can name any other
# file or address.
INPUT_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2 matroska,webm avi mpegts mpeg mpegvideo m4v h264 hevc vvc av1 obu ivf flv asf ogg mxf nut "
    "rm gif apng wtv dv yuv4mpegpipe swf nsv roq bink smk vivo film_cpk mpegtsraw mjpeg"
).split()
CODING_ORDER_DEMUXERS = ("avi",)  # their packets have decoding times only
NO_TIMESTAMPS_FLAG = 0x80  # FFmpeg's AVFMT_NOTIMESTAMPS: raw streams
_MAX_RATE = Fraction(1000)  # frames per second; a higher rate is a time base that is reported as a rate
_DEFAULT_RATE = Fraction(25)


def open_input(
    path: Path, hwaccel: HWAccel | None = None, pipe: Pipe | None = None, skip: int = 0, format: str | None = None
) -> InputContainer:
    """Open a local file, or `pipe` instead, as a container of video; FFmpeg can open nothing else through it.

    Args:
        path: The file.
        hwaccel: Hardware that decodes its video, None for software.
        pipe: The pipe, None for a file.
        skip: The number of bytes at the file's beginning that are left out.
        format: FFmpeg's name of the demuxer, None for the one that the content suggests.

    Raises:
        InputError: It can't be read, or is no video.
    """
    if pipe is not None:
        return open_pipe(pipe, INPUT_DEMUXERS)
    with translate_read_errors(path):
        container = _open(f"file:{path}", hwaccel, skip, format)
        if container.format.name != "mpegts" or skip:
            return container
        if pids := changed_pids(path, container, lambda at: _open(f"file:{path}", None, at, "mpegts")):
            container.close()
            return _open(RemappedFile(path, pids), hwaccel, 0, "mpegts")
        return container


def _open(file: Any, hwaccel: HWAccel | None, skip: int, format: str | None) -> InputContainer:
    options = {"format_whitelist": ",".join(INPUT_DEMUXERS), "protocol_whitelist": "file"}
    options |= {"skip_initial_bytes": str(skip)} if skip else {}
    return decode_tags(av.open(file, format=format, options=options, hwaccel=hwaccel, metadata_errors=UNDECODED))


@contextlib.contextmanager
def demux(container: InputContainer, *streams: Any) -> Iterator[Iterator[Packet]]:
    """A `with` for PyAV's packet generator of `container`, which is closed at its end.

    Args:
        container: Open for reading.
        streams: The streams whose packets are wanted, all if none is named.
    """
    packets: Any = container.demux(*streams)  # its stub says Iterator, but it is a generator
    try:
        yield packets
    finally:
        packets.close()


def flush_decoder(context: CodecContext | None) -> None:
    """Leave a decoder idle, so that freeing it can't deadlock.

    Freeing a decoder holds the GIL and waits for the decoder's threads; a thread that logs waits for the GIL if PyAV's
    logging is on. Idle threads log nothing.
    """
    if context is not None and context.is_open:
        context.flush_buffers()


def select_video(path: Path, container: InputContainer, index: int | None = None) -> VideoStream:
    """The video stream of that `index`, or the first that is no cover image.

    Raises:
        InputError: There is no such stream, or no decoder for it.
    """
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    for stream in videos:
        if index in (None, stream.index):
            if stream.codec_context is None:
                raise InputError(f"{path}: FFmpeg has no decoder for its video stream {stream.index}")
            return stream
    if videos:
        indices = ", ".join(str(stream.index) for stream in videos)
        raise InputError(f"{path}: `video_stream` {index} is not one of its video streams: {indices}")
    kinds = {"cover image" if s.type == "video" else str(s.type) for s in container.streams} or {"nothing"}
    raise InputError(f"{path}: has no video, only {', '.join(sorted(kinds))}")


def frame_rate(container: InputContainer, stream: VideoStream) -> Fraction:
    """The average frames per second of `stream`."""
    rates = [rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate] or [_DEFAULT_RATE]
    if rates[0] > _MAX_RATE and stream.frames and container.duration:
        return Fraction(stream.frames * av.time_base, container.duration).limit_denominator(1001)
    return next((rate for rate in rates if rate <= _MAX_RATE), rates[0])

"""A source that reads a file, or a pipe, through FFmpeg's demuxers."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av.error
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.media.reading import truncation
from pipeline.media.reading.damage import Damage
from pipeline.media.reading.declared_length import DeclaredLength
from pipeline.media.reading.input_container import (
    NO_TIMESTAMPS_FLAG,
    demux,
    flush_decoder,
    frame_rate,
    open_input,
    select_video,
)
from pipeline.media.reading.late_streams import LateStreams
from pipeline.media.reading.matroska import BlockChecker
from pipeline.media.reading.packed_frames import unpack_frames
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.preroll import Preroll
from pipeline.media.reading.source import Packet
from pipeline.media.reading.timestamp_repair import TimestampRepair

_DISCONTINUITIES_FLAG = 0x200  # FFmpeg's AVFMT_TS_DISCONT: the demuxer's timestamps may jump
_SEEKABLE = ("mov", "matroska")  # demuxers whose index of key frames is reliable
_DEVICE_ERRORS = {errno.EIO, errno.ENXIO, errno.ENODEV, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTUNREACH} | (
    {errno.ESTALE} if hasattr(errno, "ESTALE") else set()
)
_MAX_FAILURES = 1000  # consecutive failing reads, after which the rest counts as unreadable


@dataclass(frozen=True)
class ReadOptions:
    """The options for reading a file.

    Attributes:
        other_streams: Indices of the streams, other than the main video, whose packets are wanted.
        hwaccel: Hardware that decodes the video, None for software.
        video_index: The index of the main video stream, None for the first.
        strict: Raise InputError at the first damage.
        start: Where to begin, in seconds on the file's own clock, None for its beginning. Packets before it may come
            too.
        first_pts: The pts of the first frame, as `probe` found it, None for what the container declares.
        pipe: Read this instead of a file.
        ends_at_read_errors: Raise InputError where a disk or network fails, as the job can continue later; otherwise
            what can be read is kept.
    """

    other_streams: frozenset[int] = frozenset()
    hwaccel: HWAccel | None = None
    video_index: int | None = None
    strict: bool = False
    start: Fraction | None = None
    first_pts: int | None = None
    pipe: Pipe | None = None
    ends_at_read_errors: bool = False

    @property
    def is_complete_file(self) -> bool:
        """True if a file, not a pipe, is read from its beginning."""
        return self.start is None and self.pipe is None


class FileSource(Closing):
    """An open file or pipe; see `Source`.

    Reading goes on after damage where FFmpeg can, and timestamps that jump are repaired.

    Args:
        path: The file; "-" for a pipe.
        options: How it is read.

    Raises:
        InputError: It can't be opened, or has no such video; with `strict`, it is cut off.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None) -> None:
        self._options = options = options or ReadOptions()
        self.path = path
        self.is_from_start = options.start is None
        self.damage = Damage(path, options.strict)
        self._stopped = self._skip_to_key_frame = False
        self._bytes_demuxed = 0
        pipe = options.pipe
        with contextlib.ExitStack() as stack:
            self.container: InputContainer = stack.enter_context(
                open_input(path, options.hwaccel, pipe and pipe.rewind())
            )
            self.video: VideoStream = select_video(path, self.container, options.video_index)
            self.first_pts = self.video.start_time or 0 if options.first_pts is None else options.first_pts
            self.rate = frame_rate(self.container, self.video)
            self._wanted = options.other_streams | {self.video.index}
            self._declared = DeclaredLength(self.container, self.video, self.rate)
            self._preroll = Preroll()
            self._late = stack.enter_context(LateStreams(path, self.container))
            can_jump = self.container.format.flags & _DISCONTINUITIES_FLAG
            self._repair = TimestampRepair(1 / self.rate) if can_jump else None
            self._blocks = stack.enter_context(BlockChecker(path)) if self._has_block_chain else None
            if pipe is None:
                self._check_truncation()
            self._resources = stack.pop_all()

    @property
    def is_open_ended(self) -> bool:
        return bool(self.container.format.flags & (_DISCONTINUITIES_FLAG | NO_TIMESTAMPS_FLAG))

    @property
    def clock_jumps(self) -> list[Fraction]:
        return self._repair.jumps if self._repair else []

    def __iter__(self) -> Iterator[Packet]:
        packets = self._packets()
        self.on_close(packets.close)
        return unpack_frames(packets, self.container, self.video)

    def described(self, stream: Any) -> Any:
        return self._late.describe(stream)

    def stop(self) -> None:
        self._stopped = True
        if self._options.pipe:
            self._options.pipe.stop()

    def rewind(self, hwaccel: HWAccel | None = None) -> VideoStream | None:
        if self._options.pipe:
            return None
        container = self._resources.enter_context(open_input(self.path, hwaccel))
        self.on_close(partial(_flush_decoders, container))
        return select_video(self.path, container, self._options.video_index)

    def on_close(self, callback: Callable[[], None]) -> None:
        self._resources.callback(callback)

    def missing_frames(self, packets: int, end: int) -> int:
        if self.container.format.name == "yuv4mpegpipe":  # FFmpeg silently drops an incomplete frame at the end
            pipe = self._options.pipe
            return int(self._bytes_demuxed < (pipe.bytes_read if pipe else self.path.stat().st_size))
        if self._options.start is not None and _is_seekable(self._options, self.container):
            return 0
        return self._declared.missing_frames(packets, end, damaged=not self.damage.is_empty)

    def close(self) -> None:
        _flush_decoders(self.container)
        self._resources.close()

    @property
    def _has_block_chain(self) -> bool:
        """True if every Matroska block is read, so that gaps can be detected; after a seek FFmpeg skips some."""
        return self._options.is_complete_file and self.container.format.name.startswith("matroska")

    def _check_truncation(self) -> None:
        name, pipe = self.container.format.name, self._options.pipe
        of_pipe = pipe and truncation.missing_bytes_of_pipe(pipe.head, pipe.bytes_read, name)
        if missing := of_pipe if pipe else truncation.missing_bytes(self.path, name):
            self.damage.truncation = f"at least {missing} bytes are missing at its end"
            if self.damage.strict:
                reason = f"is cut off: {self.damage.truncation}"
                raise InputError(f"{self.path}: {reason}; without `strict` all that decodes is kept")

    def _seek_to_start(self) -> None:
        """Seek to a key frame before the start, if the container's index is reliable; else read from the beginning."""
        start = self._options.start
        if _is_seekable(self._options, self.container) and start is not None and self.video.time_base:
            with contextlib.suppress(av.error.FFmpegError):  # FFmpeg stays at the beginning
                self.container.seek(int(start / self.video.time_base), stream=self.video, backward=True)
                self._skip_to_key_frame = True

    def _packets(self) -> Generator[Packet, None, None]:
        """The wanted packets, with repaired timestamps and without those that edit lists hide."""
        self._seek_to_start()
        with contextlib.closing(self._demux()) as packets:
            for packet in packets:
                if self._stopped:
                    return
                if not packet.size:  # PyAV's end-of-stream marker
                    continue
                is_video = packet.stream_index == self.video.index
                if is_video and self._skip_to_key_frame and not packet.is_keyframe:
                    continue
                self._skip_to_key_frame = self._skip_to_key_frame and not is_video
                self._bytes_demuxed = (packet.pos or 0) + packet.size
                if self._repair:
                    self._repair.repair(packet)
                if is_video:
                    yield packet
                else:
                    self.damage.add(damaged_packets=int(packet.is_corrupt))
                    yield from self._preroll.feed(packet)
        if self._options.pipe and not self._stopped:
            self._check_truncation()

    def _demux(self) -> Generator[Packet, None, None]:
        """All wanted packets that can be read; after a read error, reading continues after the damage."""
        failures = 0
        while failures < _MAX_FAILURES:
            try:
                with demux(self.container, list(self.container.streams)) as packets:
                    for packet in packets:
                        failures = 0
                        if self._blocks and packet.size:
                            self.damage.add(read_errors=int(self._blocks.is_broken_before(packet)))
                        if packet.stream_index in self._wanted:
                            yield packet
                if self._blocks and not self.damage.truncation:
                    self.damage.add(read_errors=int(self._blocks.is_broken_at_end()))
                return
            except IndexError:  # raised by PyAV at a packet of a stream that appears in mid-file
                failures += 1
                self.damage.unlisted_packets += bool(self._options.other_streams)
            except av.error.FFmpegError as error:
                _check_device(self.path, self._options, error)
                self.damage.add(read_errors=int(failures == 0))
                failures += 1


def _check_device(path: Path, options: ReadOptions, error: av.error.FFmpegError) -> None:
    """Raise InputError if the options ask for it, and an error is of the disk or network, not of the contents."""
    if options.ends_at_read_errors and error.errno in _DEVICE_ERRORS:
        reason = f"can't be read any more ({error.strerror}): check its disk or connection"
        raise InputError(f"{path}: {reason}") from error


def _is_seekable(options: ReadOptions, container: InputContainer) -> bool:
    return options.pipe is None and container.format.name.startswith(_SEEKABLE)


def _flush_decoders(container: InputContainer) -> None:
    for stream in container.streams:
        flush_decoder(stream.codec_context)

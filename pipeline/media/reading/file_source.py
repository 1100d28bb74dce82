"""The source of a line: a file's packets, in the order in which they lie there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.media.reading import truncation
from pipeline.media.reading.damage import Damage
from pipeline.media.reading.declared_length import DeclaredLength
from pipeline.media.reading.matroska import BlockChecker
from pipeline.media.reading.pipe import Pipe
from pipeline.media.reading.preroll import Preroll
from pipeline.media.reading.probe import NO_TIMESTAMPS_FLAG, frame_rate, open_input, select_video
from pipeline.media.reading.timestamp_repair import TimestampRepair

_JUMPING = 0x200  # FFmpeg's AVFMT_TS_DISCONT: containers whose clock may jump
_INDEXED = ("mov", "matroska")  # containers that tell reliably where their key frames are
_MOST_FAILURES = 1000  # reads in a row that fail: the rest of the file can't be read


class Source(Protocol):
    """What a line draws packets from.

    path: as the user named it. container: its streams, chapters and metadata. video: the stream that is upscaled.
    rate: its frames in a second. first: the pts of its first frame, as far as known. damage: what is wrong with it, as
    far as it shows so far. jumps: how far its clock jumped each time that it did, in seconds; the packets that it gives
    do not.
    """

    path: Path
    container: InputContainer
    video: VideoStream
    rate: Fraction
    first_pts: int
    damage: Damage

    @property
    def clock_jumps(self) -> Sequence[Fraction]: ...

    @property
    def is_open_ended(self) -> bool:
        """Whether nothing in it tells where it should end."""

    def __iter__(self) -> Iterator[av.Packet[Any]]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stop(self) -> None:
        """Give nothing more."""

    def rewind(self) -> VideoStream | None:
        """The video once more, for another decoder, in software; None if it can't be had twice."""

    def missing_frames(self, packets: int, end: int) -> int:
        """How many frames it promised of the video, and did not give, as far as it tells.

        packets: how many came. end: when the last frame ended, in the stream's time base.
        """


class FileSource(Closing):
    """An open file. Iterate it, once, for the packets of its main video and of the streams in `also`.

    accel: what decodes them, if not the processor. video: the index of the main video, None for the first.
    strict: damage is an error. start: where in it to begin, in seconds on its own clock; what lies before may come too.
    first: the pts of its first frame, as probe found it; None: as the container says.
    pipe: what it comes through, if not from a file; then `path` is only its name.
    """

    def __init__(
        self,
        path: Path,
        also: frozenset[int] = frozenset(),
        accel: HWAccel | None = None,
        video: int | None = None,
        strict: bool = False,
        start: Fraction | None = None,
        first: int | None = None,
        pipe: Pipe | None = None,
    ) -> None:
        self.path = path
        self.damage = Damage(path, strict)
        self._pipe = pipe
        self._index = video
        self._start = start
        self._over = self._sought = False
        self._read_to = 0
        with contextlib.ExitStack() as stack:
            self.container: InputContainer = stack.enter_context(open_input(path, accel, pipe and pipe.rewind()))
            self.video: VideoStream = select_video(path, self.container, video)
            self._wanted = also | {self.video.index}
            self.first_pts = first if first is not None else self.video.start_time or 0
            self.rate = frame_rate(self.container, self.video)
            self._promise = DeclaredLength(self.container, self.video, self.rate)
            self._preroll = Preroll()
            self._clock = TimestampRepair(1 / self.rate) if self.container.format.flags & _JUMPING else None
            self._blocks = stack.enter_context(contextlib.closing(BlockChecker(path))) if self._has_blocks else None
            if pipe is None:
                self._find_truncation()
            self._open = stack.pop_all()

    @property
    def is_open_ended(self) -> bool:
        return bool(self.container.format.flags & (_JUMPING | NO_TIMESTAMPS_FLAG))

    @property
    def clock_jumps(self) -> list[Fraction]:
        return self._clock.jumps if self._clock else []

    def __iter__(self) -> Iterator[av.Packet[Any]]:
        self._seek()
        yield from self._packets()
        if self._pipe and not self._over:
            self._find_truncation()

    def _packets(self) -> Iterator[av.Packet[Any]]:
        for packet in self._read():
            if self._over:
                return
            if not packet.size:  # PyAV ends each stream with an empty packet
                continue
            if self._sought and packet.stream_index == self.video.index:
                if not packet.is_keyframe:
                    continue
                self._sought = False
            self._read_to = (packet.pos or 0) + packet.size
            if self._clock:
                self._clock.repair(packet)
            if packet.stream_index == self.video.index:
                yield packet
            else:
                self.damage.add(damaged_packets=int(packet.is_corrupt))
                yield from self._preroll.kept(packet)

    def stop(self) -> None:
        self._over = True
        if self._pipe:
            self._pipe.stop()

    def rewind(self) -> VideoStream | None:
        if self._pipe:
            return None
        container = self._open.enter_context(open_input(self.path))
        self._open.callback(_quieten, container)
        return select_video(self.path, container, self._index)

    def missing_frames(self, packets: int, end: int) -> int:
        if self.container.format.name == "yuv4mpegpipe":  # FFmpeg drops the piece of a frame at its end, and is silent
            return int(self._read_to < (self._pipe.bytes_read if self._pipe else self.path.stat().st_size))
        if self._start is not None and self._is_indexed:
            return 0
        return self._promise.missing_frames(packets, end, damaged=not self.damage.is_empty)

    def close(self) -> None:
        _quieten(self.container)
        self._open.close()

    @property
    def _has_blocks(self) -> bool:
        """Whether there is a chain of blocks to follow; after a jump into a file FFmpeg passes some over."""
        whole = self._start is None and self._pipe is None
        return whole and self.container.format.name.startswith("matroska")

    def _find_truncation(self) -> None:
        name = self.container.format.name
        pipe = self._pipe
        missing = (
            truncation.missing_bytes_of_pipe(pipe.head, pipe.bytes_read, name)
            if pipe
            else truncation.missing_bytes(self.path, name)
        )
        if missing:
            self.damage.truncation = f"at least {missing} bytes are missing at its end"
            if self.damage.strict:
                raise InputError(
                    f"{self.path}: is cut off: {self.damage.truncation}; without `strict` all that decodes is kept"
                )

    @property
    def _is_indexed(self) -> bool:
        return self._pipe is None and self.container.format.name.startswith(_INDEXED)

    def _seek(self) -> None:
        """Go to a key frame before the start, where that is sure to be one; elsewhere all is read."""
        if self._is_indexed and self._start is not None and self.video.time_base:
            with contextlib.suppress(av.error.FFmpegError):  # then it begins at the beginning
                self.container.seek(int(self._start / self.video.time_base), stream=self.video, backward=True)
                self._sought = True

    def _read(self) -> Iterator[av.Packet[Any]]:
        """All packets that can be read; where reading fails, it goes on behind."""
        streams = list(self.container.streams)  # those that appear in mid-file are not for us
        failures = 0
        while failures < _MOST_FAILURES:
            try:
                for packet in self.container.demux(streams):
                    failures = 0
                    if self._blocks and packet.size:
                        self.damage.add(read_errors=int(self._blocks.broken_before(packet)))
                    if packet.stream_index in self._wanted:
                        yield packet
                if self._blocks and not self.damage.truncation:
                    self.damage.add(read_errors=int(self._blocks.broken_at_end()))
                return
            except IndexError:  # PyAV's, at a packet of a stream that appears in mid-file
                failures += 1
            except av.error.FFmpegError:
                self.damage.add(read_errors=int(failures == 0))
                failures += 1


def _quieten(container: InputContainer) -> None:
    """Leave the decoders of a file without work, so that they can be freed.

    Freeing a decoder holds the GIL and waits for its threads, and a thread with something to log wants the GIL, where
    the caller has turned PyAV's logging on. Without work they have nothing to say.
    """
    for stream in container.streams:
        if stream.codec_context is not None and stream.codec_context.is_open:
            stream.codec_context.flush_buffers()

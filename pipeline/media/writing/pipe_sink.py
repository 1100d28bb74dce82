"""The end of a line that goes on in another program: y4m through a pipe."""

from __future__ import annotations

import errno
import logging
import os
import select
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.frame import PIXEL_FORMATS, FrameFormat, Siting
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.encoder import Encoder, VideoEncoding, configure
from pipeline.media.reading.pipe import PIPE_NAME, standard_output
from pipeline.media.writing.constant_rate import Evenness

log = logging.getLogger(__name__)

_BUFFER_BYTES = 1 << 20
_WAKE_MS = 200
_AT_ONCE = getattr(select, "PIPE_BUF", 512)  # bytes: so many can be written to a pipe that has room, without waiting

_SITINGS = (Siting.LEFT, Siting.CENTRE, Siting.TOP_LEFT)  # C420mpeg2, C420jpeg, C420paldv


def y4m_format(source: FrameFormat) -> FrameFormat:
    """The format that y4m holds, and that keeps most of `source`: planar YUV or gray.

    RGB gets the limited range that most readers take for granted. Of 8 bit y4m knows three sitings, else but one.
    """
    pixel, colour = source.pixel, source.colour
    depth = "" if pixel.depth == 8 else f"{pixel.depth}le"
    chroma = "444" if not pixel.sub_x else "422" if not pixel.sub_y else "420"
    told = _SITINGS if pixel.depth == 8 else _SITINGS[:1]
    return replace(
        source,
        pixel=PIXEL_FORMATS[f"yuv{chroma}p{depth}" if pixel.chroma else f"gray{depth}"],
        colour=replace(
            colour,
            full_range=colour.full_range and not pixel.rgb,
            siting=colour.siting if colour.siting in told else Siting.LEFT,
        ),
    )


class PipeSink(Stage[Any, Any]):
    """The new video as y4m, written to the file descriptor `fd` (standard output) frame by frame; nothing else of it.

    dropped: a line for all that is left behind. remarks: what is not as it was.
    """

    def __init__(self, encoding: VideoEncoding, others: int = 0, fd: int | None = None) -> None:
        self.path = PIPE_NAME
        self.repaired = 0
        self.muxed: Counter[int] = Counter()
        self.copied: dict[int, int] = {}
        self.damaged = 0
        self.dropped = [f"other streams left behind: {others}; y4m is video alone"] if others else []
        self._even = Evenness(encoding.rate)
        self._tick = 1 / encoding.rate
        self._outlet = _Outlet(standard_output() if fd is None else fd, encoding.sample_aspect)
        self._container: OutputContainer = av.open(
            self._outlet,
            "w",
            format="yuv4mpegpipe",
            container_options={"strict": "-1"},  # more than 8 bit is FFmpeg's own extension
            buffer_size=_BUFFER_BYTES,
        )
        self._open = True
        stream = self._container.add_stream(encoding.codec, rate=encoding.rate)
        assert isinstance(stream, VideoStream)
        self.video = stream
        configure(stream.codec_context, encoding)
        stream.time_base = self._tick  # which y4m takes for the rate

    @property
    def remarks(self) -> list[str]:
        return self._even.lines("y4m")

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream is None:  # it comes from an encoder
            assert packet.pts is not None
            self._even.add(packet.pts * packet.time_base)
            packet.stream = self.video
            packet.pts = packet.dts = self.muxed[0]
            packet.time_base, packet.duration = self._tick, 1
            with _piping():
                self._container.mux(packet)
            self.muxed[0] += 1
        yield from ()

    def abort(self) -> None:
        self._outlet.end()

    def encoder(self, time_base: Fraction) -> Encoder:
        """What makes packets for this pipe, of frames whose times count in `time_base`."""
        return Encoder(self.path, self.video.codec_context, time_base)

    def finished(self) -> None:
        """Nothing that could be read again."""

    def commit(self, overwrite: bool) -> Path:
        """Write what is left."""
        self._close()
        return self.path

    def keep_partial(self) -> Path:
        """What went through a pipe can't be called back."""
        self._close()
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close()
        except OutputError as failure:
            log.debug("closing the pipe: %s", failure)

    def _close(self) -> None:
        if self._open:
            self._open = False
            with _piping():
                self._container.close()


class _Outlet:
    """A file descriptor as a file for `av.open`.

    The shape of the pixels goes into y4m's header here: FFmpeg takes it from a field that PyAV does not set.
    """

    def __init__(self, fd: int, sample_aspect: Fraction) -> None:
        self._fd = fd
        self._aspect = f" A{sample_aspect.numerator}:{sample_aspect.denominator} ".encode()
        self._begun = False
        self._ended = threading.Event()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def end(self) -> None:
        """Wait for the reader no more. Called from any thread."""
        self._ended.set()

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        if not self._begun:
            self._begun = True
            header, newline, frames = data.partition(b"\n")
            rest = memoryview(header.replace(b" A0:0 ", self._aspect) + newline + frames)
        while rest and not self._ended.is_set():
            if self._poll.poll(_WAKE_MS):
                rest = rest[os.write(self._fd, rest[:_AT_ONCE]) :]
        return len(data)


@contextmanager
def _piping() -> Iterator[None]:
    """Raise OutputError for what goes wrong at a pipe."""
    try:
        with translate_write_errors(PIPE_NAME):
            yield
    except OutputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EPIPE:
            raise OutputError("-: the program that read the result has ended") from error
        raise

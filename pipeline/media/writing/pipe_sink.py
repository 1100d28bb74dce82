"""Writes the upscaled video as y4m into a pipe, for another program."""

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
from typing import Never, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.frame import PIXEL_FORMATS, FrameFormat, Siting
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import configure
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.pipe import PIPE_NAME, standard_output
from pipeline.media.reading.source import Packet
from pipeline.media.writing.constant_rate import ConstantRateCheck
from pipeline.media.writing.stream_end import ExpectedEnd

log = logging.getLogger(__name__)

_BUFFER_BYTES = 1 << 20
_WAKE_MS = 200
_ATOMIC_BYTES = getattr(select, "PIPE_BUF", 512)  # can be written without blocking to a pipe that poll reports writable

_SITINGS = (Siting.LEFT, Siting.CENTRE, Siting.TOP_LEFT)  # C420mpeg2, C420jpeg, C420paldv


def y4m_format(source: FrameFormat) -> FrameFormat:
    """Return the format of y4m that keeps most of `source`: planar YUV or gray.

    RGB becomes YUV of limited range, which most readers assume. y4m has codes for three chroma sitings of 8-bit 4:2:0,
    and for none of deeper samples.
    """
    pixel, colour = source.pixel, source.colour
    depth = "" if pixel.depth == 8 else f"{pixel.depth}le"
    chroma = "444" if not pixel.sub_x else "422" if not pixel.sub_y else "420"
    sitings = _SITINGS if pixel.depth == 8 else _SITINGS[:1]
    return replace(
        source,
        pixel=PIXEL_FORMATS[f"yuv{chroma}p{depth}" if pixel.chroma else f"gray{depth}"],
        colour=replace(
            colour,
            full_range=colour.full_range and not pixel.rgb,
            siting=colour.siting if colour.siting in sitings else Siting.LEFT,
        ),
    )


class PipeSink(Stage[Packet, Never]):
    """Writes the upscaled video as y4m to a file descriptor, frame by frame; the other streams are dropped.

    Attributes:
        path: "-", which stands for standard output.
        video: The stream of the video.
        muxed: Number of frames written, under the key 0.
        dropped: A line for each part of the source that is not in the output.
        copied: Always empty: nothing is copied.
        ends: The same.
        is_pending: Always False: what went into a pipe can't be kept.
        repaired: Always 0: see FileSink.
        damaged: Always 0: see FileSink.
    """

    def __init__(self, encoding: VideoEncoding, dropped_streams: int = 0, fd: int | None = None) -> None:
        """Open the descriptor for writing.

        Args:
            encoding: How the video is encoded: by the encoder of `Role.RAW`, in a format of `y4m_format`.
            dropped_streams: Number of the source's other streams, none of which is written.
            fd: An open file descriptor, which is not closed; None for standard output.

        Raises:
            OutputError: Standard output is a terminal, or closed.
        """
        self.path = PIPE_NAME
        self.is_pending = False
        self.repaired = self.damaged = 0
        self.muxed: Counter[int] = Counter()
        self.copied: dict[int, int] = {}
        self.ends: dict[int, ExpectedEnd] = {}
        self.dropped = [f"other streams dropped ({dropped_streams}): y4m is video only"] if dropped_streams else []
        self._timing = ConstantRateCheck(encoding.rate)
        self._tick = 1 / encoding.rate  # the time base of the stream, which y4m writes as its rate
        self._writer = _PipeWriter(standard_output() if fd is None else fd, encoding.sample_aspect)
        self._container: OutputContainer = av.open(
            self._writer,
            "w",
            format="yuv4mpegpipe",
            container_options={"strict": "-1"},  # more than 8 bit is FFmpeg's own extension
            buffer_size=_BUFFER_BYTES,
        )
        self._is_closed = False
        try:
            self.video = self._add_video(encoding)
        except BaseException:
            self._container.close()
            raise

    def _add_video(self, encoding: VideoEncoding) -> VideoStream:
        stream = self._container.add_stream(encoding.codec, rate=encoding.rate)
        assert isinstance(stream, VideoStream)
        configure(stream.codec_context, encoding)
        stream.time_base = self._tick
        return stream

    @property
    def remarks(self) -> list[str]:
        """A line if the frames are not evenly spaced in time."""
        return self._timing.notes("y4m")

    def feed(self, item: Packet) -> Iterator[Never]:
        if item.stream is None:  # from the video encoder
            assert item.pts is not None
            self._timing.add(item.pts * item.time_base)
            item.stream = self.video
            item.pts = item.dts = self.muxed[0]
            item.time_base, item.duration = self._tick, 1
            with _translate_pipe_errors():
                self._container.mux(item)
            self.muxed[0] += 1
        return iter(())

    def abort(self) -> None:
        self._writer.abort()

    def encoder(self, time_base: Fraction) -> Encoder:
        """Return the stage that passes frames to this pipe; `time_base`: of the frames' pts."""
        return Encoder(self.path, self.video.codec_context, time_base)

    def finalize(self) -> None:
        """Return None: there is no file that could be read back."""

    def commit(self, overwrite: bool) -> Path:
        """Write what is buffered; `overwrite` has no effect."""
        self._close()
        return self.path

    def keep_partial(self) -> Path:
        """Write what is buffered, unless `abort` was called: what was written to a pipe can't be renamed."""
        self._close()
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._close()
        except OutputError as failure:
            log.debug("closing the pipe: %s", failure)

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            with _translate_pipe_errors():
                self._container.close()


class _PipeWriter:
    """A file descriptor as a file for `av.open`.

    The sample aspect ratio is written into y4m's header here: FFmpeg takes it from a field that PyAV does not set.
    """

    def __init__(self, fd: int, sample_aspect: Fraction) -> None:
        self._fd = fd
        self._aspect = f" A{sample_aspect.numerator}:{sample_aspect.denominator} ".encode()
        self._has_header = False
        self._aborted = threading.Event()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def abort(self) -> None:
        """Stop waiting for the reader, and drop what is written from now on. Called from any thread."""
        self._aborted.set()

    def write(self, data: bytes) -> int:
        """Write all of `data`, waiting for the reader where the pipe is full."""
        rest = memoryview(data)
        if not self._has_header:
            self._has_header = True
            header, newline, frames = data.partition(b"\n")
            rest = memoryview(header.replace(b" A0:0 ", self._aspect) + newline + frames)
        while rest and not self._aborted.is_set():
            if self._poll.poll(_WAKE_MS):
                rest = rest[os.write(self._fd, rest[:_ATOMIC_BYTES]) :]
        return len(data)


@contextmanager
def _translate_pipe_errors() -> Iterator[None]:
    """Raise OutputError for errors of PyAV and of the pipe."""
    try:
        with translate_write_errors(PIPE_NAME):
            yield
    except OutputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EPIPE:
            raise OutputError("-: the program that reads the output has exited") from error
        raise

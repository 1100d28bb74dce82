"""A live stream that is simulated in memory: a clock of its own, a decoder, a session and an encoder."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import BackendError
from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.frame import Frame, FrameFormat
from pipeline.media.av_frames import wrap_frame
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_context import create_context
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.probe import probe
from pipeline.superres.session import Session

SLOTS = 3
_QUEUED_FRAMES = 2
_JOIN_SECONDS = 30.0
_LOW_LATENCY = {"tune": "zerolatency", "crf": "23"}


@dataclass(frozen=True)
class StreamWorkload:
    """What each simulated stream does; made by `stream_workload`.

    Attributes:
        frames: Frames in memory, which repeat without end.
        packets: The same frames as H.264, one packet each; empty: streams start from decoded frames.
        preset: The preset of x264; None: upscaled frames are discarded.
        rate: Frames per second of each stream.
    """

    frames: list[Frame]
    packets: list[bytes]
    preset: str | None
    rate: Fraction

    @property
    def format(self) -> FrameFormat:
        """The format of the frames."""
        return self.frames[0].format


@dataclass(frozen=True)
class Schedule:
    """The times of a simulated stream, by time.monotonic.

    Attributes:
        begin: When its first frame is due.
        count_from: Frames that are due from then on count.
        end: No frame is due from then on.
    """

    begin: float
    count_from: float
    end: float


@dataclass(frozen=True)
class _Due:
    """A frame, or its ticket, and when it was due."""

    item: Any
    at: float


def stream_workload(
    clip: str | Path, rate: Fraction, decode: bool = False, preset: str | None = None
) -> StreamWorkload:
    """The workload of streams that repeat a short clip, forwards and backwards in turn.

    Args:
        clip: A video of a few frames, all of which are kept in memory.
        rate: Frames per second of each stream.
        decode: Whether each stream decodes H.264.
        preset: The preset of x264 with which each stream encodes; None: frames are discarded.
    """
    format = probe(clip).video.format
    with av.open(str(clip)) as container:
        forwards = [
            Frame(format, tuple(plane.copy() for plane in extract_planes(av_frame, format)), number)
            for number, av_frame in enumerate(container.decode(video=0))
        ]
    frames = forwards + forwards[-2:0:-1]
    return StreamWorkload(frames, _as_packets(frames) if decode else [], preset, rate)


class SimulatedStream:
    """One stream in three threads: frames come when they are due, are submitted, and collected.

    A frame waits in a queue of two, which drops the oldest when a third comes. It is also dropped if it was decoded
    later than the next one was due.

    Attributes:
        frames: Number of frames that were due and count.
        dropped: Number of those that were dropped.
        delays: Seconds from when a frame was due to its end, of each finished frame that counts.
    """

    def __init__(self, session: Session[Any], workload: StreamWorkload, threads: int, schedule: Schedule) -> None:
        self._session, self._workload, self._schedule = session, workload, schedule
        self._queue: DropOldestQueue[_Due] = DropOldestQueue(_QUEUED_FRAMES, dropped=self._drop)
        self._tickets: Channel[_Due] = Channel(SLOTS)
        self._decoder = _decoder() if workload.packets else None
        self._encoder = _encoder(workload, session.output, threads) if workload.preset else None
        self.delays: list[float] = []
        self.frames = self.dropped = 0
        self._error: BaseException | None = None
        steps = (self._produce, self._submit, self._collect)
        self._threads = [
            threading.Thread(target=self._guarded, args=(step,), name=f"uprez-simulated{step.__name__}", daemon=True)
            for step in steps
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the end of the schedule. Raises the first error of the threads, or BackendError if one hangs."""
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        if self._error is not None:
            raise self._error
        if any(thread.is_alive() for thread in self._threads):
            self._abort()
            raise BackendError(f"a simulated stream did not end within {_JOIN_SECONDS:g} s")

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Aborted:
            pass
        except BaseException as error:
            self._error = self._error or error
            self._abort()

    def _abort(self) -> None:
        self._queue.abort()
        self._tickets.abort()
        self._session.abort()

    def _produce(self) -> None:
        """Put each frame into the queue when it is due, however slow the other threads are."""
        period = float(1 / self._workload.rate)
        for number in itertools.count():
            due = _Due(None, self._schedule.begin + number * period)
            if due.at >= self._schedule.end or self._error is not None:
                break
            time.sleep(max(0.0, due.at - time.monotonic()))
            self.frames += self._counts(due)
            for frame in self._decode(number):
                if time.monotonic() - due.at > period:
                    self._drop(due, "late")
                else:
                    self._queue.put(replace(due, item=frame))
        self._queue.close()

    def _decode(self, number: int) -> Iterator[Frame]:
        workload = self._workload
        if self._decoder is None:
            yield workload.frames[number % len(workload.frames)]
            return
        for av_frame in self._decoder.decode(av.Packet(workload.packets[number % len(workload.packets)])):
            yield Frame(workload.format, extract_planes(av_frame, workload.format), number)

    def _submit(self) -> None:
        for due in self._queue:
            self._tickets.put(replace(due, item=self._session.submit(due.item)))
        self._tickets.close()

    def _collect(self) -> None:
        for number, due in enumerate(self._tickets):
            frame = self._session.collect(due.item)
            if self._encoder is None:
                frame.release()
            else:
                frame.pts = number
                self._encoder.encode(wrap_frame(frame, self._encoder.pix_fmt))
            if self._counts(due):
                self.delays.append(time.monotonic() - due.at)
        if self._encoder is not None:
            self._encoder.encode(None)

    def _drop(self, due: _Due, reason: str) -> None:
        self.dropped += self._counts(due)

    def _counts(self, due: _Due) -> bool:
        return due.at >= self._schedule.count_from


def _as_packets(frames: list[Frame]) -> list[bytes]:
    """`frames` as packets of H.264, one each, as a camera sends them: the first is a key frame."""
    workload = StreamWorkload(frames, [], "veryfast", Fraction(30))
    encoder = _encoder(workload, frames[0].format, threads=1)
    packets = [packet for frame in frames for packet in encoder.encode(wrap_frame(frame, encoder.pix_fmt))]
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def _encoder(workload: StreamWorkload, format: FrameFormat, threads: int) -> VideoCodecContext:
    """An H.264 encoder without delay; it opens with its first frame."""
    options = {**_LOW_LATENCY, "preset": workload.preset or ""}
    codec = encoder_for(Role.COMPATIBLE).name
    encoder = create_context(VideoEncoding(codec, format, workload.rate, 1 / workload.rate, options=options))
    encoder.thread_count = threads
    return encoder


def _decoder() -> VideoCodecContext:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    return decoder

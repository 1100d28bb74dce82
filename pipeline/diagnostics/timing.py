"""Stages and sources for measurements: a clip that never ends, and a timer of the frames that pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.diagnostics.report import BenchmarkRow
from pipeline.errors import InputError
from pipeline.files.plan import Plan
from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.media.encoding.parallel_gop import mirrored
from pipeline.media.reading.file_source import FileSource

_MIN_FRAMES = 6
_FILLING_FACTOR = 4  # a measurement may take this many times its duration if queues are slow to fill
_FILLING_FRAMES = 64  # that queues and x264 (lookahead 40) hold before the source has to wait


class FrameTimer(Stage[Frame, Frame]):
    """Records when frames pass.

    The first ones, which fill queues and the encoder's lookahead, don't count, nor do those that follow the end of the
    source: while the queues are drained, fewer and fewer decoders and encoders have work.

    Args:
        plan: What is measured: its decoders and encoders hold frames, too.
        discard: Release frames rather than pass them on.

    Attributes:
        frames: Number of frames so far.
    """

    def __init__(self, plan: Plan, discard: bool = False) -> None:
        self._discard = discard
        self._filling = _FILLING_FRAMES + plan.decoders.waiting + (0 if discard else plan.encoding.waiting)
        self._times: list[float] = []
        self._end: int | None = None  # the number of frames that had passed when the source ended

    @property
    def frames(self) -> int:
        return len(self._times)

    def feed(self, item: Frame) -> Iterator[Frame]:
        self._times.append(time.perf_counter())
        if self._discard:
            item.release()
        else:
            yield item

    def end(self) -> None:
        """Count no later frames, as the source has ended. Called from the thread that reads it."""
        self._end = len(self._times)

    def seconds(self) -> float:
        """Time since the first frame that counts."""
        return time.perf_counter() - self._times[self._filling] if self.frames > self._filling else 0.0

    def row(self, name: str) -> BenchmarkRow:
        """The measurement. Raises InputError if too few frames passed."""
        times = self._times[: self._end] if (self._end or 0) > self._filling + 1 else self._times
        steady = times[min(self._filling, len(times) // 2) :]
        frames, seconds = len(steady) - 1, steady[-1] - steady[0] if steady else 0.0
        if seconds <= 0:
            raise InputError("too few frames could be measured: give a longer clip, or more seconds")
        return BenchmarkRow(name=name, frames=frames, seconds=seconds, rate=frames / seconds)


class RestampFrames(Stage[Frame, Frame]):
    """Gives frames consecutive times: those of a clip that is read repeatedly begin again and again.

    Args:
        plan: Its rate and time base are those of the times.
        pool: Frames that replace those that come, forwards and backwards in turn.
    """

    def __init__(self, plan: Plan, pool: list[Frame] | None = None) -> None:
        self._step = round(1 / (plan.encoding.rate * plan.encoding.time_base))
        self._pool = pool
        self._count = 0

    def feed(self, item: Frame) -> Iterator[Frame]:
        if self._pool:
            item.release()
            item = mirrored(self._pool, self._count)
        yield replace(item, pts=self._count * self._step, duration=self._step)
        self._count += 1


def endless_packets(path: Path) -> Iterator[Any]:
    """The packets of a clip's video, repeated without end, each time with later timestamps.

    The clip is opened each time: a raw stream can't be rewound.
    """
    shift = 0
    while True:
        times = [shift]
        with FileSource(path) as source:
            for packet in source:
                if packet.pts is not None and packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    times.append(packet.pts + (packet.duration or 1))
                yield packet
        shift = max(times)


def for_seconds(items: Iterator[Any], timer: FrameTimer, seconds: float) -> Iterator[Any]:
    """`items` until `timer` has counted for `seconds`, or the queues take too long to fill."""
    end = time.perf_counter() + _FILLING_FACTOR * seconds
    for index, item in enumerate(items):
        yield item
        if index >= _MIN_FRAMES and (timer.seconds() > seconds or time.perf_counter() > end):
            timer.end()
            return

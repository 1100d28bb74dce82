"""A part of a source: exact to the frame, and everything else cut to match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.media.reading.source import Source

_MILLISECOND = Fraction(1, 1000)  # Matroska's tick, to which it rounds the times of frames
_ROUNDED = Fraction(1, 2000)  # people write times to the millisecond


@dataclass(frozen=True)
class Excerpt:
    """The frames that are shown from `start` on and before `end`, `frames` at most; None for no limit.

    start, end: in seconds, on the source's own clock.
    """

    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None

    @classmethod
    def from_times(
        cls, first: Fraction, rate: Fraction, start: Fraction | None, end: Fraction | None, frames: int | None
    ) -> Excerpt | None:
        """What `start`, `end` (seconds from the `first` frame) and `frames` ask for; None if that is the whole.

        A time that was rounded up from that of a frame, such as 0.667 of frame 20 at 30 frames/s, means this frame.
        """
        if start is None and end is None and frames is None:
            return None
        begins, ends = (None if time is None else first + _unrounded(time, rate) for time in (start, end))
        return cls(begins, ends, frames)

    def end_time(self, first: Fraction, rate: Fraction) -> Fraction | None:
        """Where it ends, in seconds on the source's clock; an estimate where so many `frames` are wanted."""
        start = first if self.start is None else self.start
        ends = [self.end] if self.end is not None else []
        return min([*ends, *([] if self.frames is None else [start + self.frames / rate])], default=None)

    def expected_frames(self, whole: int | None, first: Fraction, rate: Fraction) -> int | None:
        """How many frames to expect, of a source that has `whole`, evenly from `first` on."""
        limits = [] if self.frames is None else [self.frames]
        start = first if self.start is None else self.start
        if whole is not None:
            limits.append(max(0, whole - round((start - first) * rate)))
        if self.end is not None:
            limits.append(round((self.end - start) * rate))
        return min(limits, default=None)


def _unrounded(time: Fraction, rate: Fraction) -> Fraction:
    frame = int(time * rate) / rate
    return frame if time - frame <= _ROUNDED else time


class Trim(Stage[Any, Any]):
    """Lets through what belongs to an excerpt: of frames and packets alike.

    also: indices of the streams whose packets come too; the source is ended when all have come that are of use.
    complete: the excerpt's last frame has passed. frames: how many did.

    Packets are held back until frames are there that are shown as late: how long N frames last, only they can tell.
    """

    def __init__(self, excerpt: Excerpt, source: Source, also: frozenset[int]) -> None:
        assert source.video.time_base is not None
        self._start, self._end = excerpt.start, excerpt.end  # in seconds
        self._most = excerpt.frames
        self._time_base = source.video.time_base
        self._source = source
        self._lasting = {s.index for s in source.container.streams if s.index in also and s.type in ("audio", "video")}
        self._held: list[av.Packet[Any]] = []
        self._begun: set[int] = set()  # copied videos, each from a key frame on
        self._shown: Fraction | None = None
        self.complete = False
        self.frames = 0

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, Frame):
            yield from self._frame(item)
        elif (item.dts is not None or item.pts is not None) and self._is_wanted(item):
            self._held.append(item)
        yield from self._freed()
        if self.complete and not self._lasting:
            self._source.stop()

    def finish(self) -> Iterator[Any]:
        yield from self._freed(at_end=True)

    def _frame(self, frame: Frame) -> Iterator[Frame]:
        time = frame.pts * self._time_base
        if self.complete or (self._start is not None and time < self._rounded(self._start)):
            frame.release()
        elif self.frames == self._most or (self._end is not None and time >= self._rounded(self._end)):
            self.complete = True
            self._end = time if self._end is None else min(self._end, time)
            frame.release()
        else:
            self.frames += 1
            self._shown = (frame.pts + frame.duration) * self._time_base
            yield frame

    def _rounded(self, time: Fraction) -> Fraction:
        """`time` as a clock has it that ticks in milliseconds; finer and coarser ones tell theirs as they are."""
        is_rounding = self._time_base == _MILLISECOND
        return Fraction(round(time * 1000), 1000) if is_rounding else time

    def _freed(self, at_end: bool = False) -> Iterator[av.Packet[Any]]:
        """The packets of which it is known by now that they belong to the excerpt."""
        held, self._held = self._held, []
        for packet in held:
            begins, _ = _interval(packet)
            if self._end is not None and begins >= self._end:
                self._lasting.discard(packet.stream_index)
            elif not (self.complete or at_end) and (self._shown is None or begins >= self._shown):
                self._held.append(packet)
            else:
                yield _cut(packet, self._start, self._end)

    def _is_wanted(self, packet: av.Packet[Any]) -> bool:
        """Whether a packet is of use from the start on: sound that is heard then needs the packet before, too."""
        if self._start is None:
            return True
        begins, ends = _interval(packet)
        kind = packet.stream.type
        if kind == "subtitle":
            return ends > self._start
        if kind == "audio":
            return begins > self._start - 2 * (ends - begins)
        if kind == "video" and packet.is_keyframe and begins >= self._start:
            self._begun.add(packet.stream_index)
        return begins >= self._start and (kind != "video" or packet.stream_index in self._begun)


def _interval(packet: av.Packet[Any]) -> tuple[Fraction, Fraction]:
    """From when to when a packet is seen or heard."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    assert ticks is not None
    assert packet.time_base is not None
    return ticks * packet.time_base, (ticks + (packet.duration or 0)) * packet.time_base


def _cut(packet: av.Packet[Any], start: Fraction | None, end: Fraction | None) -> av.Packet[Any]:
    """A subtitle that reaches beyond `start` or `end`, cut to them; any other packet as it is."""
    if packet.stream.type != "subtitle" or not packet.duration or not packet.time_base:
        return packet
    begins, ends = _interval(packet)
    begins = begins if start is None else max(begins, start)
    ends = ends if end is None else min(ends, end)
    packet.pts = packet.dts = round(begins / packet.time_base)
    packet.duration = max(1, round(ends / packet.time_base) - packet.pts)
    return packet

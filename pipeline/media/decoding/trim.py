"""Excerpts of a source: exact to the frame, with the other streams cut to match."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.media.reading.source import Packet, Source

_MILLISECOND = Fraction(1, 1000)  # Matroska's tick, to which it rounds timestamps
_ROUNDING = Fraction(1, 2000)  # seconds by which a time that is written to the millisecond may be too large


@dataclass(frozen=True)
class Excerpt:
    """A part of a source.

    Attributes:
        start: The time of the first frame, in seconds on the source's clock; None for its beginning.
        end: The time before which the last frame is, in seconds on the source's clock; None for its end.
        frames: The maximum number of frames, None for no limit.
    """

    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None

    @classmethod
    def from_times(
        cls, first: Fraction, rate: Fraction, start: Fraction | None, end: Fraction | None, frames: int | None
    ) -> Excerpt | None:
        """The excerpt of a request; None if that is for the complete source.

        A time that was rounded up from that of a frame means this frame, such as 0.667 frame 20 at 30 frames/s.

        Args:
            first: The time of the source's first frame, in seconds on its clock.
            rate: Its frames per second.
            start: Seconds after `first`, None for the beginning.
            end: Seconds after `first`, None for the end.
            frames: The maximum number of frames, None for no limit.
        """
        if start is None and end is None and frames is None:
            return None
        begins, ends = (None if time is None else first + _snap_to_frame(time, rate) for time in (start, end))
        return cls(begins, ends, frames)

    def first_frame_time(self, time_base: Fraction) -> Fraction | None:
        """The earliest time that its first frame can have on the video's clock, in seconds; None for the beginning.

        Args:
            time_base: The time base of the video.
        """
        return None if self.start is None else math.ceil(_on_clock(self.start, time_base) / time_base) * time_base

    def end_time(self, first: Fraction, rate: Fraction) -> Fraction | None:
        """The end in seconds on the source's clock, None if open; an estimate where only `frames` limits it."""
        start = first if self.start is None else self.start
        limits = [] if self.end is None else [self.end]
        if self.frames is not None:
            limits.append(start + self.frames / rate)
        return min(limits, default=None)

    def expected_frames(self, total: int | None, first: Fraction, rate: Fraction) -> int | None:
        """The number of frames to expect, None if unknown.

        Args:
            total: The number of frames of the complete source, None if unknown.
            first: The time of its first frame, in seconds on its clock.
            rate: Its frames per second.
        """
        limits = [] if self.frames is None else [self.frames]
        start = first if self.start is None else self.start
        if total is not None:
            limits.append(max(0, total - round((start - first) * rate)))
        if self.end is not None:
            limits.append(round((self.end - start) * rate))
        return min(limits, default=None)


def _snap_to_frame(time: Fraction, rate: Fraction) -> Fraction:
    frame = int(time * rate) / rate
    return frame if time - frame <= _ROUNDING else time


def _on_clock(time: Fraction, time_base: Fraction) -> Fraction:
    """`time` as a clock that ticks in milliseconds stores it; other clocks store frame times well enough."""
    return Fraction(round(time * 1000), 1000) if time_base == _MILLISECOND else time


class Trim(Stage["Frame | Packet", "Frame | Packet"]):
    """Passes the frames and packets of an excerpt, and stops the source after the last of them.

    Packets are held back until a frame of the same time has passed, as only frames show how long N frames last.

    Args:
        excerpt: The excerpt.
        source: The source that is trimmed.
        other_streams: Indices of the streams whose packets are fed too.

    Attributes:
        frames: The number of frames that have passed.
        complete: The last frame of the excerpt has passed.
    """

    def __init__(self, excerpt: Excerpt, source: Source, other_streams: frozenset[int]) -> None:
        assert source.video.time_base is not None
        self._start, self._end = excerpt.start, excerpt.end  # in seconds
        self._max_frames = excerpt.frames
        self._time_base = source.video.time_base
        self._source = source
        streams = (s for s in source.container.streams if s.index in other_streams and s.type in ("audio", "video"))
        self._unfinished = {stream.index for stream in streams}  # copied streams that have not reached the end
        self._held: list[Packet] = []
        self._with_key_frame: set[int] = set()  # copied videos, which start at a key frame
        self._frames_end: Fraction | None = None  # of the last frame that has passed, in seconds
        self.complete = False
        self.frames = 0

    def feed(self, item: Frame | Packet) -> Iterator[Frame | Packet]:
        if isinstance(item, Frame):
            yield from self._trim_frame(item)
        elif (item.dts is not None or item.pts is not None) and self._is_after_start(item):
            self._held.append(item)
        yield from self._release_packets()
        if self.complete and not self._unfinished:
            self._source.stop()

    def finish(self) -> Iterator[Packet]:
        yield from self._release_packets(at_end=True)

    def _trim_frame(self, frame: Frame) -> Iterator[Frame]:
        time = frame.pts * self._time_base
        if self.complete or (self._start is not None and time < _on_clock(self._start, self._time_base)):
            frame.release()
        elif self.frames == self._max_frames or (
            self._end is not None and time >= _on_clock(self._end, self._time_base)
        ):
            self.complete = True
            self._end = time if self._end is None else min(self._end, time)
            frame.release()
        else:
            self.frames += 1
            self._frames_end = (frame.pts + frame.duration) * self._time_base
            yield frame

    def _release_packets(self, at_end: bool = False) -> Iterator[Packet]:
        """Yield the held packets that are now known to belong to the excerpt."""
        held, self._held = self._held, []
        for packet in held:
            begins, _ = _interval(packet)
            if self._end is not None and begins >= self._end:
                self._unfinished.discard(packet.stream_index)
            elif not (self.complete or at_end) and (self._frames_end is None or begins >= self._frames_end):
                self._held.append(packet)
            else:
                yield _cut_subtitle(packet, self._start, self._end)

    def _is_after_start(self, packet: Packet) -> bool:
        """Return True if `packet` is needed from the start on; audio also needs the packet before."""
        if self._start is None:
            return True
        begins, ends = _interval(packet)
        kind = packet.stream.type
        if kind == "subtitle":
            return ends > self._start
        if kind == "audio":
            return begins > self._start - 2 * (ends - begins)
        if kind == "video" and packet.is_keyframe and begins >= self._start:
            self._with_key_frame.add(packet.stream_index)
        return begins >= self._start and (kind != "video" or packet.stream_index in self._with_key_frame)


def _interval(packet: Packet) -> tuple[Fraction, Fraction]:
    """The times at which `packet` begins and ends, in seconds."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    assert ticks is not None
    assert packet.time_base is not None
    return ticks * packet.time_base, (ticks + (packet.duration or 0)) * packet.time_base


def _cut_subtitle(packet: Packet, start: Fraction | None, end: Fraction | None) -> Packet:
    """Shorten `packet` to what is between `start` and `end` if it is a subtitle."""
    if packet.stream.type != "subtitle" or not packet.duration or not packet.time_base:
        return packet
    begins, ends = _interval(packet)
    begins = begins if start is None else max(begins, start)
    ends = ends if end is None else min(ends, end)
    packet.pts = packet.dts = round(begins / packet.time_base)
    packet.duration = max(1, round(ends / packet.time_base) - packet.pts)
    return packet

"""The time at which a copied stream ends, by the packets of the source, for the check of the finished file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pipeline.media.reading.source import Packet


@dataclass(frozen=True)
class ExpectedEnd:
    """The end of a stream that a reader of the output should find.

    Attributes:
        time: When its last packet begins, in seconds on the source's clock; with `is_divided`, when it ends.
        tolerance: Seconds by which the clock of the source is inexact there.
        is_divided: Readers divide the stream into other packets than were written, as they do with samples (PCM).
        may_go_on: Muxers add packets, as they do to end subtitles.
    """

    time: Fraction
    tolerance: Fraction
    is_divided: bool = False
    may_go_on: bool = False


class StreamEnd:
    """Records the packets of one stream before their times are made to advance."""

    def __init__(self, step: Fraction, is_reordered: bool) -> None:
        """Record packets.

        Args:
            step: Duration of a packet that has none, in seconds; 0 if it is unknown.
            is_reordered: The last packet may precede others in time, as in a video with B-frames.
        """
        self._step, self._is_reordered = step, is_reordered
        self._last: Fraction | None = None  # times in seconds
        self._latest: Fraction | None = None
        self._end: Fraction | None = None
        self._sharing = Fraction(0)  # duration of the packets before the last that have its time
        self._tick = Fraction(0)

    def add(self, packet: Packet) -> None:
        """Record the next packet."""
        if packet.pts is None:
            self._last = None
            return
        time, duration = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
        self._tick = packet.time_base
        self._sharing = self._sharing + (duration or self._step) if time == self._last else Fraction(0)
        self._last = time
        self._latest = time if self._latest is None else max(self._latest, time)
        self._end = time + duration if self._end is None else max(self._end, time + duration)

    def expected(self, is_divided: bool, may_go_on: bool) -> ExpectedEnd | None:
        """Return the end on the source's clock; None if the last packet has no time, or one before those of others."""
        if self._last is None or self._latest is None or self._end is None:
            return None
        if self._last != self._latest and not self._is_reordered:
            return None
        time = self._end if is_divided else self._latest
        return ExpectedEnd(time, self._tick + self._sharing, is_divided, may_go_on)

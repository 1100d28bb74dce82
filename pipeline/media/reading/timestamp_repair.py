"""One clock out of the several that a spliced or damaged stream has.

Recordings that were joined, and cameras that were started again, jump in time. What lies between two jumps is an epoch:
all its packets, of whatever stream, are moved by the same offset, so that picture and sound stay together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av

# In one stream more than this is a jump, and so is the least step back. FFmpeg's own bounds are 10 and 0.1 seconds
# (dts_delta_threshold), but a slide may stand for longer.
_AHEAD, _BEHIND = Fraction(30), Fraction(1, 10)
# ISO 13818-1: the clock of transport streams has 33 bits, and FFmpeg takes a step back for a wrap.
_WRAP = Fraction(2**33, 90_000)
# How far a stream that follows another into a new epoch may lie before it, and how far behind its own end: sound and
# picture are not cut at the very same place.
_APART, _OVERLAP = Fraction(2), Fraction(1, 2)


@dataclass
class TimestampRepair:
    """Moves the packets of a container so that their times go on. jumps: how far each jump led, in seconds.

    frame: how long a packet lasts that does not say, in seconds.
    """

    frame: Fraction
    jumps: list[Fraction] = field(default_factory=list)
    _offsets: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    _epoch: dict[int, Fraction] = field(default_factory=dict)
    _next: dict[int, Fraction] = field(default_factory=dict)
    _latest: Fraction | None = None

    def repair(self, packet: av.Packet[Any]) -> None:
        """Move `packet` to where it belongs."""
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is None or not packet.time_base:
            return
        time = ticks * packet.time_base
        offset = self._offset(packet.stream_index, time, continuous=packet.stream.type in ("video", "audio"))
        if offset:
            moved = round(offset / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved
        self._epoch[packet.stream_index] = offset
        if packet.stream.type in ("video", "audio"):
            self._latest = time + offset
            lasts = packet.duration * packet.time_base if packet.duration else self.frame
            self._next[packet.stream_index] = self._latest + lasts

    def _offset(self, stream: int, time: Fraction, continuous: bool) -> Fraction:
        """What to add to a packet's `time`. continuous: its stream has no gaps by nature, as subtitles have."""
        if self._latest is None:
            return self._offsets[-1]
        expected = self._next.get(stream) if continuous else None
        if expected is None:
            return min(self._offsets, key=lambda offset: abs(time + offset - self._latest))  # type: ignore[operator]
        own = self._epoch[stream]
        if -_BEHIND <= time + own - expected <= _AHEAD:
            return own
        for offset in reversed(self._offsets):
            if offset != own and expected - _OVERLAP <= time + offset <= self._latest + _APART:
                return offset
        if abs(time + own - self._latest) <= _BEHIND:  # it was silent for long while the others went on
            return own
        self._offsets.append(expected - time)
        jump = time + own - expected
        self.jumps.append(min(jump, jump - _WRAP, key=abs))
        return expected - time

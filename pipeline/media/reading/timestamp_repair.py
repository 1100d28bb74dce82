"""Repair of timestamps that jump, as in spliced or damaged recordings and after a restart of a camera.

Everything between two jumps is an epoch. All packets of an epoch, of whatever stream, are moved by the same offset, so
that audio and video stay in sync.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from pipeline.media.reading.source import Packet

# A gap in a stream above _MAX_GAP is a jump, and so is a step back by more than _MAX_STEP_BACK, in seconds. FFmpeg's
# bounds are 10 and 0.1 (dts_delta_threshold), but a slide may be shown for longer than 10 s.
_MAX_GAP, _MAX_STEP_BACK = Fraction(30), Fraction(1, 10)
# ISO 13818-1: clocks of transport streams have 33 bits. FFmpeg takes a step back for a wrap, and adds as much.
_WRAP = Fraction(2**33, 90_000)
# Audio and video are not cut at the very same place. A stream that follows another into a new epoch may be ahead of it
# by up to _MAX_LEAD, and overlap its own end by up to _MAX_OVERLAP, in seconds.
_MAX_LEAD, _MAX_OVERLAP = Fraction(2), Fraction(1, 2)


@dataclass
class TimestampRepair:
    """Moves the packets of a container so that their timestamps continue over jumps.

    Attributes:
        frame_duration: The duration of a packet that declares none, in seconds.
        jumps: The size of each jump so far, in seconds.
    """

    frame_duration: Fraction
    jumps: list[Fraction] = field(default_factory=list)
    _offsets: list[Fraction] = field(default_factory=lambda: [Fraction(0)])  # of each epoch
    _current: dict[int, Fraction] = field(default_factory=dict)  # the offset in use, by stream
    _expected: dict[int, Fraction] = field(default_factory=dict)  # the repaired time of the next packet, by stream
    _latest: Fraction | None = None  # the repaired time of the last packet of audio or video

    def repair(self, packet: Packet) -> None:
        """Move the timestamps of `packet`, the next one of the container."""
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is None or not packet.time_base:
            return
        time = ticks * packet.time_base
        is_continuous = packet.stream.type in ("video", "audio")  # gaps in subtitles and data are normal
        offset = self._choose_offset(packet.stream_index, time, is_continuous)
        if offset:
            moved = round(offset / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved
        self._current[packet.stream_index] = offset
        if is_continuous:
            self._latest = time + offset
            duration = packet.duration * packet.time_base if packet.duration else self.frame_duration
            self._expected[packet.stream_index] = self._latest + duration

    def _choose_offset(self, stream: int, time: Fraction, is_continuous: bool) -> Fraction:
        """The offset for a packet of `stream` at `time`; begins a new epoch if none fits."""
        latest = self._latest
        if latest is None:
            return self._offsets[-1]
        expected = self._expected.get(stream) if is_continuous else None
        if expected is None:
            return min(self._offsets, key=lambda offset: abs(time + offset - latest))
        current = self._current[stream]
        if -_MAX_STEP_BACK <= time + current - expected <= _MAX_GAP:
            return current
        for offset in reversed(self._offsets):
            if offset != current and expected - _MAX_OVERLAP <= time + offset <= latest + _MAX_LEAD:
                return offset
        if abs(time + current - latest) <= _MAX_STEP_BACK:  # it was silent for long while others continued
            return current
        self._offsets.append(expected - time)
        jump = time + current - expected
        self.jumps.append(min(jump, jump - _WRAP, key=abs))
        return expected - time

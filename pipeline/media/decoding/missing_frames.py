"""Detection of missing frames that the stream has no packet for."""

from __future__ import annotations

import math
from fractions import Fraction

from pipeline.media.reading.source import Packet

_NEAR_DAMAGE = 8  # packets after a damaged one in which gaps are counted: reordering shows a gap late
_CONSTANT_RATE = 12  # consecutive frames without a gap, after which a short gap is a fault
_MAX_FAULT_SECONDS = 1  # longer gaps are intended
_MIN_FAULT_FRAMES = 2  # away from damage: recorders leave out single frames that they could not capture
_MAX_REPEATS = 3  # frame durations for which a frame is shown at most (ISO 13818-2, repeat_first_field)
_FIELD = Fraction(55, 100)  # of a frame's duration, with a tolerance: telecine distributes fields over the frames


class GapDetector:
    """Finds gaps in decoding times: next to damaged packets, and optionally wherever a constant rate is interrupted.

    Args:
        frame_duration: The duration of a frame, in seconds.
        everywhere: Look for gaps away from damage too.
    """

    def __init__(self, frame_duration: Fraction, everywhere: bool) -> None:
        self._frame_duration = frame_duration
        self._looks_everywhere = everywhere
        self._last_dts: int | None = None
        self._last_duration = 0
        self._gapless_ticks = 0  # the longest distance so far that was not a gap
        self._near_damage = self._frames_without_gap = 0

    def missing_before(self, packet: Packet, damaged: bool) -> int:
        """The number of frames that are missing between the previous packet and this one.

        Args:
            packet: The next packet of the video.
            damaged: It is damaged.
        """
        self._near_damage = _NEAR_DAMAGE if damaged else max(0, self._near_damage - 1)
        last, self._last_dts = self._last_dts, packet.dts
        duration, self._last_duration = self._last_duration, packet.duration or 0
        if last is None or packet.dts is None:
            return 0
        ticks = packet.dts - last
        if ticks <= self._gapless_ticks:  # nearly always; calculating with fractions is slow
            self._frames_without_gap += 1
            return 0
        if not packet.time_base:
            return 0
        gap = ticks * packet.time_base
        shown = min(max(Fraction(1), duration * packet.time_base / self._frame_duration), Fraction(_MAX_REPEATS))
        missing = max(0, math.ceil(gap / self._frame_duration - shown - _FIELD))
        if not missing:
            self._gapless_ticks = ticks
        has_constant_rate = self._frames_without_gap >= _CONSTANT_RATE
        is_fault = missing >= _MIN_FAULT_FRAMES and has_constant_rate and gap <= _MAX_FAULT_SECONDS
        self._frames_without_gap = 0 if missing else self._frames_without_gap + 1
        return missing if self._near_damage or (self._looks_everywhere and is_fault) else 0

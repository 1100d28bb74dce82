"""What a container promises of its video, and whether it was kept."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.video.stream import VideoStream

_REORDERED = 8  # frames
_STALE = 1  # second that a number of frames may be off the duration
_ROUGHLY = 0.95  # how much of a number of frames must come that is only roughly right


class DeclaredLength:
    """How many packets of `stream` there should be, or when it should end, as the container tells before it is read."""

    def __init__(self, container: InputContainer, stream: VideoStream, rate: Fraction) -> None:
        self._end = _seconds(stream.metadata.get("DURATION", ""))
        self._time_base: Any = stream.time_base
        self._rate = rate
        self._start = (stream.start_time or 0) * (stream.time_base or Fraction(1))
        is_mov = container.format.name.startswith("mov")
        # Of mp4 the index counts, from which FFmpeg takes what edit lists hide.
        self._exactly = len(stream.index_entries) if is_mov else self._told(stream)
        self._roughly = 0 if is_mov else stream.frames  # the others count in their header, and not always well

    def _told(self, stream: VideoStream) -> int:
        """How many frames mkvmerge counted, unless somebody has cut the file since and kept the tag."""
        told = stream.metadata.get("NUMBER_OF_FRAMES", "")
        if not told.isdigit() or self._end is None or abs(int(told) / self._rate - self._end) > _STALE:
            return 0
        return int(told)

    def missing_frames(self, packets: int, end: int, damaged: bool) -> int:
        """How many frames are missing.

        packets: how many came. end: when the last frame ended, in the stream's time base. damaged: it is known to be;
        else the time at which it should end is not held against it.
        """
        if self._exactly:
            return max(0, self._exactly - packets)
        by_time: Fraction = end * self._time_base * self._rate  # AVI counts frames that are shown once more
        passed = max(packets, round(by_time))
        if passed < self._roughly * _ROUGHLY:
            return self._roughly - passed
        if not damaged or self._end is None:
            return 0
        missing: Fraction = (self._end - end * self._time_base) * self._rate
        is_even = abs((end * self._time_base - self._start) * self._rate - packets) <= _REORDERED
        if is_even:  # B-frames may be missing before the last frame that is there
            missing = max(missing, (self._end - self._start) * self._rate - packets)
        return max(0, round(missing))


def _seconds(duration: str) -> Fraction | None:
    """Matroska's tag of a stream's duration, "00:01:02.500000000", in seconds; None if it is none."""
    parts = duration.split(":")
    try:
        return sum((Fraction(part) * 60**power for power, part in enumerate(reversed(parts))), Fraction(0)) or None
    except ValueError:
        return None

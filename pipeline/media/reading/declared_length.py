"""The length that a container declares for its video, and how many frames are missing from it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.video.stream import VideoStream

_REORDERED = 8  # frames that the last ones may be out of order by
_MAX_MISMATCH_SECONDS = 1  # between NUMBER_OF_FRAMES and DURATION
_MIN_SHARE = 0.95  # of an approximate frame count that has to arrive


class DeclaredLength:
    """The number of packets or the end time that a container declares for a video stream.

    Args:
        container: The open container.
        stream: Its video stream.
        rate: The stream's frames per second.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, rate: Fraction) -> None:
        self._end = _parse_duration(stream.metadata.get("DURATION", ""))
        self._time_base: Any = stream.time_base
        self._rate = rate
        self._start = (stream.start_time or 0) * (stream.time_base or Fraction(1))
        is_mov = container.format.name.startswith("mov")
        # The index of mp4 is exact: FFmpeg leaves out the entries that edit lists hide.
        self._exact_count = len(stream.index_entries) if is_mov else self._tagged_count(stream)
        self._approximate_count = 0 if is_mov else stream.frames  # of headers, which are not always right

    def _tagged_count(self, stream: VideoStream) -> int:
        """The frame count that mkvmerge stores in a tag; 0 if the tag is stale, as in a file that was cut later."""
        tag = stream.metadata.get("NUMBER_OF_FRAMES", "")
        if not tag.isdigit() or self._end is None or abs(int(tag) / self._rate - self._end) > _MAX_MISMATCH_SECONDS:
            return 0
        return int(tag)

    def missing_frames(self, packets: int, end: int, damaged: bool) -> int:
        """The number of declared frames that have not arrived.

        Args:
            packets: How many packets have arrived.
            end: When the last frame ended, in the stream's time base.
            damaged: The source is known to be damaged. Only then is an early end counted as missing frames.
        """
        if self._exact_count:
            return max(0, self._exact_count - packets)
        by_time: Fraction = end * self._time_base * self._rate  # AVI also counts repeated frames, without packets
        arrived = max(packets, round(by_time))
        if arrived < self._approximate_count * _MIN_SHARE:
            return self._approximate_count - arrived
        if not damaged or self._end is None:
            return 0
        missing: Fraction = (self._end - end * self._time_base) * self._rate
        is_constant_rate = abs((end * self._time_base - self._start) * self._rate - packets) <= _REORDERED
        if is_constant_rate:  # B-frames may be missing before the last frame that arrived
            missing = max(missing, (self._end - self._start) * self._rate - packets)
        return max(0, round(missing))


def _parse_duration(text: str) -> Fraction | None:
    """Matroska's DURATION tag, such as "00:01:02.500000000", in seconds; None if `text` is no duration."""
    parts = text.split(":")
    try:
        return sum((Fraction(part) * 60**power for power, part in enumerate(reversed(parts))), Fraction(0)) or None
    except ValueError:
        return None

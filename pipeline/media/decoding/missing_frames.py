"""How many frames fell into the holes of a stream: no packet tells of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

_NEAR = 8  # packets behind a damaged one that a hole may follow: what lies in it is only missed later
_STEADY = 12  # frames of one length in a row, after which a short gap is no rhythm of the stream's own
_SHORT = 1  # second: longer gaps are meant to be ones


class GapDetector:
    """Finds holes by decoding times: beside packets that are damaged, and in a stream that was steady until then.

    frame: how long a frame lasts, in seconds. steady: holes are looked for where nothing else is wrong, too.
    """

    def __init__(self, frame: Fraction, steady: bool) -> None:
        self._frame = frame
        self._looks_everywhere = steady
        self._last: int | None = None
        self._near = self._even = 0

    def before(self, packet: av.Packet[Any], damaged: bool) -> int:
        """How many frames are missing between the packet before and this one."""
        self._near = _NEAR if damaged else max(0, self._near - 1)
        last, self._last = self._last, packet.dts
        if last is None or packet.dts is None or not packet.time_base:
            return 0
        gap = (packet.dts - last) * packet.time_base
        missing = max(0, round(gap / self._frame) - 1)
        was_steady = self._looks_everywhere and self._even >= _STEADY and gap <= _SHORT
        self._even = 0 if missing else self._even + 1
        return missing if self._near or was_steady else 0

"""How many frames fell into the holes of a stream: no packet tells of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

_NEAR = 8  # packets behind a damaged one that a hole may follow: what lies in it is only missed later


class Holes:
    """Finds holes by decoding times, beside packets that are damaged; elsewhere a gap is meant to be one.

    frame: how long a frame lasts, in seconds.
    """

    def __init__(self, frame: Fraction) -> None:
        self._frame = frame
        self._last: int | None = None
        self._near = 0

    def before(self, packet: av.Packet[Any], damaged: bool) -> int:
        """How many frames are missing between the packet before and this one."""
        self._near = _NEAR if damaged else max(0, self._near - 1)
        last, self._last = self._last, packet.dts
        if not self._near or last is None or packet.dts is None or not packet.time_base:
            return 0
        return max(0, round((packet.dts - last) * packet.time_base / self._frame) - 1)

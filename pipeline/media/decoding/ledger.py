"""Which packets of a video have become pictures, and which have not.

Decoders hand a packet's pts through to its picture. So each packet goes in under a number of its own, and the picture
that comes back under it is known to be its picture, whatever the clock of the source does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import av

_DELAY = 128  # packets that a decoder may have taken before it gives the first one's picture: threads, and reordering
_REORDERED = 32  # packets that a picture may be late by
_FIELD = 0.75  # of a picture's time: two packets that are less apart are its fields
_NEARLY = 0.1  # how far off one half the pictures of a stream in fields may be
_MOST_BYTES = 256 * 2**20  # of packets that are kept: a GOP of more is not gone through again


@dataclass(slots=True)
class LedgerEntry:
    """A packet, and its own time: pts (None if it has none) and duration in its time base, 0 if unknown.

    hidden: its picture need not come. torn: it is known to be damaged. given: its picture is there.
    settled: it was there before the decoder began again. counted: as damaged.
    """

    packet: av.Packet[Any] | None
    pts: int | None
    duration: int
    is_key: bool = False
    hidden: bool = False
    torn: bool = False
    given: bool = False
    settled: bool = False
    counted: bool = False


class PacketLedger:
    """Keeps account of packets, and keeps those that a decoder needs to begin again where pictures are outstanding.

    frame: how long a picture lasts, in ticks. in_coding_order: the container knows when packets are decoded, not which
    picture is shown then; its times are those of the pictures in the order in which they come.
    """

    def __init__(self, frame: int, in_coding_order: bool = False) -> None:
        self._frame = frame
        self._times: deque[int | None] | None = deque() if in_coding_order else None
        self._judged = 0  # packets whose pictures have come, or won't any more
        self._entries: dict[int, LedgerEntry] = {}
        self._keys: deque[int] = deque()
        self._bytes = self._count = self._overdue = self._given = self._interlaced = 0
        self._first: int | None = None  # when the key frame at the beginning is shown

    def enter(self, packet: av.Packet[Any], torn: bool = False, shown: bool = True) -> None:
        """Put `packet` under a number, which takes the place of its pts."""
        if not self._count:
            self._first = packet.pts if packet.is_keyframe else None
        hidden = packet.is_discard or not shown or self._leads(packet)
        entry = LedgerEntry(packet, packet.pts, packet.duration or 0, packet.is_keyframe, hidden, torn)
        self._entries[self._count] = entry
        if self._times is not None and not hidden:
            self._times.append(packet.dts)
            entry.pts = packet.dts
        packet.pts = self._count
        if entry.is_key:
            self._keys.append(self._count)
        self._count += 1
        self._bytes += packet.size
        self._forget()

    def leave(self, picture: av.VideoFrame, reordered: bool = True) -> LedgerEntry:
        """The entry of `picture`. reordered: the decoder gives pictures in another order than that of their packets."""
        number = -1 if picture.pts is None else picture.pts
        entry = self._entries.get(number)
        if entry is None:  # of two pictures in a packet the second has no number
            return LedgerEntry(None, None, 0)
        if self._times is not None and not entry.given:
            self._deal_time(number, entry, reordered)
        if picture.interlaced_frame:
            self._interlaced += not entry.given
            self._pair_fields(number)
        self._given += not entry.given
        entry.given = True
        return entry

    def _deal_time(self, number: int, entry: LedgerEntry, reordered: bool) -> None:
        """Give a picture its time, of those that the container has for pictures in the order of showing."""
        assert self._times is not None
        self._forfeit(number - _REORDERED)
        if reordered:
            entry.pts = self._times.popleft() if self._times else None
        elif entry.pts in self._times:
            self._times.remove(entry.pts)

    def _forfeit(self, number: int) -> None:
        """Let the times go of the packets before `number` that became no picture."""
        assert self._times is not None
        for late in range(self._judged, number):
            entry = self._entries.get(late)
            if self._times and entry is not None and _is_outstanding(entry):
                self._times.popleft()
        self._judged = max(self._judged, number)

    def _pair_fields(self, number: int) -> None:
        """Where a picture's two fields came in packets of their own, the other one is no picture that is missing."""
        one = self._entries[number]
        for other in (self._entries.get(number + 1), self._entries.get(number - 1)):
            if other is None or other.given or other.is_key:
                continue
            if one.pts is None or other.pts is None or abs(other.pts - one.pts) < _FIELD * self._frame:
                other.hidden = True
                return

    def fail(self, number: int) -> None:
        """The packet of that number could not be decoded, whatever it said of itself."""
        if number in self._entries:
            self._entries[number].hidden = False

    def begin_again(self) -> list[av.Packet[Any]]:
        """The packets that a fresh decoder needs for what is outstanding; none where they were too many."""
        entries = list(self._entries.values())
        packets = [entry.packet for entry in entries if entry.packet is not None]
        if len(packets) < len(entries):
            return []
        for entry in entries:
            entry.settled = entry.given
        return packets

    @property
    def outstanding(self) -> int:
        """How many packets should have become pictures and have not; at the end, those are lost."""
        count = self._overdue + sum(_is_outstanding(entry) for entry in self._entries.values())
        in_fields = self._given == self._interlaced and abs(count - self._given) <= _NEARLY * self._given
        return 0 if in_fields and count > 1 else count  # each picture came in two packets, the second gives none

    def _leads(self, packet: av.Packet[Any]) -> bool:
        """Whether a picture is shown before the key frame that all begins with: it needs some that are not there."""
        if len(self._keys) != 1 or self._first is None or packet.pts is None:
            return False
        return packet.pts < self._first

    def _forget(self) -> None:
        """Let go of GOPs but the one before those that are at work, as an open GOP refers to what lies before it."""
        while len(self._keys) > 2 and self._keys[2] <= self._count - _DELAY:
            self._keys.popleft()
            for number in range(next(iter(self._entries)), self._keys[0]):
                entry = self._entries.pop(number)
                self._bytes -= entry.packet.size if entry.packet else 0
                self._overdue += _is_outstanding(entry)
        if self._bytes > _MOST_BYTES:
            for entry in self._entries.values():
                entry.packet = None
            self._bytes = 0


def _is_outstanding(entry: LedgerEntry) -> bool:
    return not (entry.given or entry.hidden)

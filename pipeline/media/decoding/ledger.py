"""The account of a video's packets: which of them have become frames, and which have not.

Decoders hand a packet's pts on to its frame. Therefore each packet is decoded with a unique number as its pts, and the
frame that has the number is known to be that packet's, whatever the timestamps of the source are.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import av

from pipeline.media.reading.source import Packet

_MAX_DELAY = 128  # packets that a decoder may take before it yields the first one's frame: threads and reordering
_MAX_REORDERING = 32  # packets that a frame may be late by
_FIELD_DISTANCE = 0.75  # of a frame's duration: two packets that are closer are its two fields
_FIELD_TOLERANCE = 0.1  # by which the share of frames in a field-coded stream may differ from one half
MAX_BYTES = 256 * 2**20  # of packets that are kept for a restart


@dataclass(slots=True)
class LedgerEntry:
    """A packet and the state of its frame.

    Attributes:
        packet: None once it is dropped to save memory.
        pts: Its timestamp in the stream's time base, None if it has none.
        duration: In the stream's time base, 0 if unknown.
        is_key: It is a key frame.
        hidden: It need not yield a frame.
        torn: It is known to be damaged.
        extradata: New parameters of the codec from this packet on, None if they do not change.
        yielded: Its frame has been yielded.
        yielded_before_restart: Its frame had been yielded before decoding restarted.
        counted: It has been counted as damaged.
    """

    packet: Packet | None
    pts: int | None
    duration: int
    is_key: bool = False
    hidden: bool = False
    torn: bool = False
    extradata: bytes | None = None
    yielded: bool = False
    yielded_before_restart: bool = False
    counted: bool = False

    @property
    def is_outstanding(self) -> bool:
        """True if its frame has not been yielded yet."""
        return not (self.yielded or self.hidden)


class PacketLedger:
    """Matches frames to packets, and keeps the packets that a restarted decoder needs.

    Args:
        frame_duration: In ticks of the stream's time base.
        in_coding_order: The container has the decoding times of packets, not the presentation times of frames.
            They are then assigned to the frames in display order.
        max_bytes: Size of all kept packets, above which they are dropped and decoding can't restart.

    Attributes:
        extradata: The codec's parameters at the first packet that is kept; None if they are those of the container.
    """

    def __init__(self, frame_duration: int, in_coding_order: bool = False, max_bytes: int = MAX_BYTES) -> None:
        self._frame_duration = frame_duration
        self._max_bytes = max_bytes
        self._times: deque[int | None] | None = deque() if in_coding_order else None
        self._settled = 0  # all packets before this number have yielded frames, or will not
        self._entries: dict[int, LedgerEntry] = {}
        self._keys: deque[int] = deque()
        self._bytes = self._count = self._overdue = self._yielded = self._interlaced = 0
        self.extradata: bytes | None = None
        self._first_pts: int | None = None  # of the key frame at the beginning

    def enter(self, packet: Packet, torn: bool = False, shown: bool = True, in_use: int | None = None) -> LedgerEntry:
        """Add `packet`, whose pts is replaced by its number, and drop packets that are no longer needed.

        Args:
            packet: The next packet.
            torn: It is known to be damaged.
            shown: It should yield a frame.
            in_use: The number of the oldest packet whose frame may follow; None if only the longest delay of a decoder
                is known.
        """
        if not self._count:
            self._first_pts = packet.pts if packet.is_keyframe else None
        hidden = packet.is_discard or not shown or self._precedes_first_key_frame(packet)
        entry = LedgerEntry(packet, packet.pts, packet.duration or 0, packet.is_keyframe, hidden, torn)
        if packet.has_sidedata("new_extradata"):
            entry.extradata = bytes(packet.get_sidedata("new_extradata"))
        self._entries[self._count] = entry
        if self._times is not None and not hidden:
            self._times.append(packet.dts)
            entry.pts = packet.dts
        packet.pts = self._count
        if entry.is_key:
            self._keys.append(self._count)
        self._count += 1
        self._bytes += packet.size
        self.drop_finished(in_use)
        return entry

    def match(self, frame: av.VideoFrame, reordered: bool = True) -> LedgerEntry:
        """The entry of the packet that `frame` was decoded from, marked as yielded.

        Args:
            frame: As the decoder yields it, its pts being the packet's number.
            reordered: The decoder yields frames in another order than that of their packets.
        """
        number = -1 if frame.pts is None else frame.pts
        entry = self._entries.get(number)
        if entry is None:  # the second frame of a packet has no number
            return LedgerEntry(None, None, 0)
        if self._times is not None and not entry.yielded:
            self._assign_time(number, entry, reordered)
        if frame.interlaced_frame:
            self._interlaced += not entry.yielded
            self._hide_second_field(number)
        self._yielded += not entry.yielded
        entry.yielded = True
        return entry

    def _assign_time(self, number: int, entry: LedgerEntry, reordered: bool) -> None:
        """Give a frame the next of the container's times, which are in the order of display."""
        assert self._times is not None
        self._discard_times_before(number - _MAX_REORDERING)
        if reordered:
            entry.pts = self._times.popleft() if self._times else None
        elif entry.pts in self._times:
            self._times.remove(entry.pts)

    def _discard_times_before(self, number: int) -> None:
        """Discard a time for each packet before `number` that has not become a frame."""
        assert self._times is not None
        for earlier in range(self._settled, number):
            entry = self._entries.get(earlier)
            if self._times and entry is not None and entry.is_outstanding:
                self._times.popleft()
        self._settled = max(self._settled, number)

    def _hide_second_field(self, number: int) -> None:
        """If a frame's two fields are in packets of their own, expect no frame of the second one."""
        first = self._entries[number]
        for second in (self._entries.get(number + 1), self._entries.get(number - 1)):
            if second is None or second.yielded or second.is_key:
                continue
            max_distance = _FIELD_DISTANCE * self._frame_duration
            if first.pts is None or second.pts is None or abs(second.pts - first.pts) < max_distance:
                second.hidden = True
                return

    def mark_failed(self, number: int) -> None:
        """Count the packet of that number as one whose frame is missing, even if it was hidden: its decoding failed."""
        if number in self._entries:
            self._entries[number].hidden = False

    def is_outstanding(self, number: int) -> bool:
        """Return True if the frame of the packet of that number has not arrived, and may still arrive."""
        entry = self._entries.get(number)
        return entry is not None and entry.is_outstanding

    def restart(self) -> list[Packet]:
        """The packets that a new decoder needs for all outstanding frames; none if they were too large to be kept."""
        entries = list(self._entries.values())
        packets = [entry.packet for entry in entries if entry.packet is not None]
        if len(packets) < len(entries):
            return []
        for entry in entries:
            entry.yielded_before_restart = entry.yielded
        return packets

    @property
    def outstanding(self) -> int:
        """The number of frames that have not arrived; at the end of the stream, they are lost."""
        count = self._overdue + sum(entry.is_outstanding for entry in self._entries.values())
        is_interlaced = self._yielded == self._interlaced
        in_fields = is_interlaced and abs(count - self._yielded) <= _FIELD_TOLERANCE * self._yielded
        return 0 if in_fields and count > 1 else count  # in fields: every second packet yields no frame

    def _precedes_first_key_frame(self, packet: Packet) -> bool:
        """Return True if its frame is shown before the first key frame, and so refers to frames that don't exist."""
        if len(self._keys) != 1 or self._first_pts is None or packet.pts is None:
            return False
        return packet.pts < self._first_pts

    def drop_finished(self, in_use: int | None = None) -> None:
        """Drop all GOPs but those in the decoder and one before, to which an open GOP refers."""
        end = self._count - _MAX_DELAY if in_use is None else min(in_use, self._count - _MAX_DELAY)
        while len(self._keys) > 2 and self._keys[2] <= end:
            self._keys.popleft()
            for number in range(next(iter(self._entries)), self._keys[0]):
                entry = self._entries.pop(number)
                self._bytes -= entry.packet.size if entry.packet else 0
                self.extradata = entry.extradata or self.extradata
                self._overdue += entry.is_outstanding
        if self._bytes > self._max_bytes:
            for entry in self._entries.values():
                entry.packet = None
            self._bytes = 0

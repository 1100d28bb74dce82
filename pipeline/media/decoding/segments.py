"""Cuts the packets of a video into segments that can be decoded independently, frame by frame the same.

A segment begins at a frame at which decoding can start (random_access.py). In an open GOP, leading frames follow that
frame in coding order, are shown before it, and refer to frames of the segment before. So this one is also given the
next segment's first packets, up to the last leading one, and yields the leading frames; the next segment drops them.

    packets    I0 P3 B1 B2 P6 B4 B5 │ I9 B7 B8 P12 B10 B11 │ ...
    segment 1  I0 P3 B1 B2 P6 B4 B5   I9 B7 B8                   yields 0 to 8
    segment 2                         I9 B7 B8 P12 B10 B11       yields 9 to 12
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import av

from pipeline.media.decoding.ledger import LedgerEntry
from pipeline.media.decoding.random_access import Parser
from pipeline.media.reading.source import Packet

_MAX_PACKETS = 1000
_MAX_BYTES = 48 * 2**20


class Irregular(Exception):
    """A stream that is not decoded in segments from here on; the message is the reason."""


@dataclass
class _Group:
    """The packets from one random access point up to the next one that is used.

    Attributes:
        packets: In coding order.
        entries: Their entries in the ledger.
        bytes: Their size.
        end: The largest pts of their frames.
    """

    packets: list[Packet] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    bytes: int = 0
    end: int = 0

    def add(self, packet: Packet, entry: LedgerEntry) -> None:
        assert entry.pts is not None
        self.end = max(self.end, entry.pts) if self.packets else entry.pts
        self.packets.append(packet)
        self.entries.append(entry)
        self.bytes += packet.size

    @property
    def leading(self) -> list[int]:
        """The indices of packets whose frames are shown before the first packet's."""
        start = self.entries[0].pts or 0
        return [index for index, entry in enumerate(self.entries) if (entry.pts or 0) < start]


class Segment:
    """Packets for one decoder, and the frames that it should yield from them.

    Attributes:
        own: The packets from its random access point to the next segment's.
        packets: The packets to decode: its own, and those that the leading frames of the next segment need.
        bytes: The size of its own packets.
        sample_aspect: The sample aspect ratio of its frames, once some are decoded; None if it is unknown.
    """

    def __init__(self, group: _Group, following: _Group | None, is_first: bool) -> None:
        leading = following.leading if following else []
        count = leading[-1] + 1 if leading else 0
        shared = following.packets[:count] if following else []
        entries = [*group.entries, *(following.entries[:count] if following else [])]
        size = len(group.packets)
        own = set(range(size)) - (set() if is_first else set(group.leading))
        self.own, self.bytes = group.packets, group.bytes
        self.sample_aspect: Fraction | None = None
        self.packets = [*group.packets, *shared]
        self._pts = {packet.pts: entry.pts for packet, entry in zip(self.packets, entries, strict=True)}
        self._wanted = {self.packets[index].pts for index in own | {size + index for index in leading}}
        self._missing = {
            packet.pts
            for packet, entry in zip(self.packets, entries, strict=True)
            if packet.pts in self._wanted and not entry.hidden
        }
        self._last: int | None = None

    def expected(self) -> int:
        """The number of frames that it should yield and has not yet."""
        return len(self._missing)

    @property
    def first(self) -> int:
        """The number of its first packet."""
        return self.own[0].pts or 0

    def wants(self, frame: av.VideoFrame) -> bool:
        """Return True if the frame belongs to this segment; False if it is dropped, as another one yields it.

        Raises:
            Irregular: The frame is interlaced, or the order of the frames is not that of their timestamps.
        """
        pts = self._pts.get(frame.pts)
        if pts is None or (self._last is not None and pts <= self._last):
            raise Irregular("its frames are not in the order of their timestamps")
        self._last = pts
        if frame.pts not in self._wanted:
            return False
        if frame.interlaced_frame:  # FFmpeg's H.264 decoder derives this mark from earlier frames, too
            raise Irregular("it is interlaced")
        self._missing.discard(frame.pts)
        return True

    def check_complete(self) -> None:
        """Raise Irregular if a packet has not yielded a frame."""
        if self._missing:
            raise Irregular(f"{len(self._missing)} packets yield no frame")


class SegmentCutter:
    """Cuts packets into segments.

    Args:
        parse: Reads the headers of a packet.
        min_packets: The smallest number of packets in a segment.
        extradata: The codec's parameters, with which each decoder begins.
    """

    def __init__(self, parse: Parser, min_packets: int, extradata: bytes | None = None) -> None:
        self._parse = parse
        self._min_packets = min_packets
        self._extradata = extradata
        self._groups: list[_Group] = []  # at most two: the one before the last is complete
        self._parameter_sets: frozenset[bytes] = frozenset()
        self._count = 0

    @property
    def first(self) -> int | None:
        """The number of the first packet that is not part of a segment yet; None if there is none."""
        return self._groups[0].packets[0].pts if self._groups else None

    @property
    def packets(self) -> list[Packet]:
        """The packets that are not part of a segment yet."""
        return [packet for group in self._groups for packet in group.packets]

    def add(self, packet: Packet, entry: LedgerEntry) -> list[Segment]:
        """Add the next packet, whose pts is its number in the ledger.

        Returns:
            The segment that is complete now, or none.

        Raises:
            Irregular: It can't be cut from here on. `packets` include this one.
        """
        if reason := self._refusal(entry):
            self._groups = self._groups or [_Group()]
            self._groups[-1].packets.append(packet)
            raise Irregular(reason)
        is_start = self._is_start(packet, entry)
        if is_start or not self._groups:
            self._groups.append(_Group())
        self._groups[-1].add(packet, entry)
        self._check(is_start, packet)
        return [self._next_segment()] if len(self._groups) > 2 else []

    def finish(self) -> list[Segment]:
        """The segments of all packets that are left."""
        segments = []
        while self._groups:
            segments.append(self._next_segment())
        return segments

    def _refusal(self, entry: LedgerEntry) -> str | None:
        """The reason why no segment can contain the packet of `entry`, None if one can."""
        if entry.extradata not in (None, self._extradata):  # the decoders of later segments would not know them
            return "the codec's parameters change"
        return "a packet has no timestamp" if entry.pts is None else None

    def _is_start(self, packet: Packet, entry: LedgerEntry) -> bool:
        """Return True if a segment may begin with `packet`.

        Its decoder may not have seen the packets before. So all parameter sets that packets have had so far must be in
        this packet too.
        """
        point = self._parse(packet)
        if not self._groups:
            self._parameter_sets = point.parameter_sets
        elif point.parameter_sets - self._parameter_sets:
            self._parameter_sets |= point.parameter_sets
            return False
        if not (point.is_random_access and entry.is_key) or entry.hidden:
            return False
        if not self._groups:
            return True
        group = self._groups[-1]
        is_later = (entry.pts or 0) > group.end
        return len(group.packets) >= self._min_packets and is_later and self._parameter_sets <= point.parameter_sets

    def _check(self, is_start: bool, packet: Packet) -> None:
        group = self._groups[-1]
        if len(self._groups) == 1 and len(group.packets) == 1 and not is_start:
            raise Irregular("it does not begin with a frame at which decoding can start")
        if len(group.packets) > _MAX_PACKETS or group.bytes > _MAX_BYTES:
            raise Irregular(f"no frame at which decoding can start among {len(group.packets)} packets")

    def _next_segment(self) -> Segment:
        group = self._groups.pop(0)
        self._count += 1
        return Segment(group, self._groups[0] if self._groups else None, self._count == 1)

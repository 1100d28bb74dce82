"""Packets as bytes and back: content, times, side data, and the flags that PyAV can set.

The flags "disposable", "trusted" and "discard" are lost. Muxers read the first alone: it marks frames to which no other
refers, for players that skip frames, in a box of mp4 files (sdtp) and a bit of Matroska's blocks, both optional.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, get_args

import av
from av.packet import PacketSideData, PktSideDataT

from pipeline.media.reading.source import Packet

VIDEO = -1
"""The stream index of packets that were encoded here; packets of the source have that of their stream."""

_HEAD = struct.Struct("<iBqqqiiIH")  # stream, flags, pts, dts, duration, time base, bytes, number of side data
_SIDE = struct.Struct("<HI")  # index in _SIDE_DATA, bytes
_NO_TIME = -(2**63)  # FFmpeg's AV_NOPTS_VALUE
_FLAGS = ("is_keyframe", "is_corrupt")  # the flags of a packet that PyAV can set
_SIDE_DATA: tuple[Any, ...] = get_args(PktSideDataT)


def pack_packet(packet: Packet) -> bytes:
    """Return the bytes of `packet`; one without a stream was encoded here."""
    stream = VIDEO if packet.stream is None else packet.stream_index
    flags = sum(bool(getattr(packet, name)) << bit for bit, name in enumerate(_FLAGS))
    times = (_NO_TIME if time is None else time for time in (packet.pts, packet.dts, packet.duration))
    base = Fraction(packet.time_base or 0)
    side = [(_SIDE_DATA.index(each.data_type), bytes(each)) for each in packet.iter_sidedata()]
    head = _HEAD.pack(stream, flags, *times, base.numerator, base.denominator, packet.size, len(side))
    parts = [head, bytes(packet)]
    for kind, content in side:
        parts += _SIDE.pack(kind, len(content)), content
    return b"".join(parts)


def unpack_packets(content: memoryview) -> Iterator[tuple[int, Packet]]:
    """Yield the stream index, or VIDEO, and the packet of each record in `content`. The packets have no stream.

    Raises:
        struct.error, IndexError: `content` does not consist of such records.
    """
    at = 0
    while at < len(content):
        stream, flags, pts, dts, duration, numerator, denominator, size, side = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        packet: Packet = av.Packet(bytes(content[at : at + size]))
        at += size
        packet.time_base = Fraction(numerator, denominator)
        packet.pts = None if pts == _NO_TIME else pts
        packet.dts = None if dts == _NO_TIME else dts
        packet.duration = 0 if duration == _NO_TIME else duration
        for bit, name in enumerate(_FLAGS):
            setattr(packet, name, bool(flags >> bit & 1))
        for _ in range(side):
            kind, length = _SIDE.unpack_from(content, at)
            at += _SIDE.size
            data = PacketSideData(kind, length)  # type: ignore[call-arg]  # its stub lacks the constructor
            data.update(bytes(content[at : at + length]))
            packet.set_sidedata(data)
            at += length
        yield stream, packet

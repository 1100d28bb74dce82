"""What the bytes of a packet tell, that its container and its decoder don't."""

from __future__ import annotations

import re
from typing import Any

import av

_ESCAPING = ("h264", "hevc", "vvc")  # codecs in which three zero bytes never follow each other but before a start code
_HOLE = re.compile(rb"\0{64,}[^\0\x01]")
_VOP = b"\0\0\1\xb6"  # ISO 14496-2, 6.2.5
_EMPTY_VOP = 10  # bytes that one without a picture has at most


def has_zeroed_gap(packet: av.Packet[Any], codec: str) -> bool:
    """Whether the packet has a hole that was filled with zeros, which its codec never writes and may not notice."""
    return codec in _ESCAPING and _HOLE.search(bytes(packet)) is not None


def is_shown(packet: av.Packet[Any], codec: str) -> bool:
    """Whether the packet is meant to become a picture: VP8 has references that are not (RFC 6386, 9.1: bit 4), MPEG-4
    packets that say "as before".
    """
    if codec == "vp8":
        return bool(bytes(packet)[0] >> 4 & 1)
    return not (codec == "mpeg4" and packet.size <= _EMPTY_VOP and bytes(packet).startswith(_VOP))

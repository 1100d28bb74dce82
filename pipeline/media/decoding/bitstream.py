"""Facts in the bytes of a packet that neither its container nor its decoder reports."""

from __future__ import annotations

import re

from pipeline.media.reading.source import Packet

_ESCAPING = ("h264", "hevc", "vvc")  # codecs in which three consecutive zero bytes occur only before a start code
_GAP = bytes(64)  # the shortest run of zeros that counts as overwritten
_ZEROED_GAP = re.compile(rb"\0{%d,}[^\0\x01]" % len(_GAP))
_VOP_START = b"\0\0\1\xb6"  # ISO 14496-2, 6.2.5
_MAX_EMPTY_VOP = 10  # bytes of a VOP without content, which repeats the frame before


def has_zeroed_gap(packet: Packet, codec: str) -> bool:
    """Return True if a part of `packet` is overwritten with zeros, which its decoder may not notice."""
    if codec not in _ESCAPING:
        return False
    content = bytes(packet)
    start = content.find(_GAP)  # much faster than the pattern, which almost no packet contains
    return start >= 0 and _ZEROED_GAP.search(content, start) is not None


def is_shown(packet: Packet, codec: str) -> bool:
    """Return True if `packet` should yield a frame.

    VP8 has reference frames that are not shown (RFC 6386, 9.1: bit 4), MPEG-4 has packets without content that repeat
    the frame before.
    """
    if codec == "vp8":
        return bool(bytes(packet)[0] >> 4 & 1)
    return not (codec == "mpeg4" and packet.size <= _MAX_EMPTY_VOP and bytes(packet).startswith(_VOP_START))

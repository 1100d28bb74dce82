"""Packets at which a decoder can start without those before, and the parameter sets that it must know by then.

A container's flag for key frames does not suffice: some mark frames after which others still refer to frames before.
So the bitstream decides: IDR frames and exact recovery points of H.264 (ITU-T H.264, 7.4.1.2.4 and D.2.8), IRAP frames
of H.265 (H.265, 7.4.2.2), I frames with a sequence header of MPEG-2 (H.262, 6.1.1.6), key frames of VP9 and AV1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from pipeline.media.reading.source import Packet

_START = b"\0\0\1"  # of a NAL unit in a byte stream (H.264, annex B), and of everything in MPEG-2
_H264_IDR, _H264_SEI, _H264_SLICES, _H264_PARAMETER_SETS = 5, 6, range(1, 6), (7, 8, 13, 15)
_HEVC_IRAP, _HEVC_SLICES, _HEVC_PARAMETER_SETS = range(16, 24), range(32), (32, 33, 34)
_RECOVERY_POINT = 6  # the SEI payload's type
_AV1_SEQUENCE_HEADER, _AV1_FRAMES = 1, (3, 6)


@dataclass(frozen=True)
class AccessPoint:
    """Facts in the headers of a packet.

    Attributes:
        is_random_access: Decoding can start here: this frame, and all that are shown after it, refer to nothing before.
        parameter_sets: The parameter sets and sequence headers in the packet, as bytes.
    """

    is_random_access: bool
    parameter_sets: frozenset[bytes] = frozenset()


Parser = Callable[[Packet], AccessPoint]


def header_parser(codec: str, extradata: bytes | None) -> Parser | None:
    """A function that reads the headers of a packet; None for codecs that are not known here.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: The decoder's configuration, from the container.
    """
    parsers: dict[str, Parser] = {
        "h264": partial(_parse_h264, length=_nal_length_size(extradata, 4)),
        "hevc": partial(_parse_hevc, length=_nal_length_size(extradata, 21)),
        "mpeg2video": _parse_mpeg2,
        "vp9": _parse_vp9,
        "av1": _parse_av1,
    }
    return parsers.get(codec)


def _nal_length_size(extradata: bytes | None, at: int) -> int:
    """The bytes of the length before each NAL unit, from avcC or hvcC (ISO 14496-15); 0: start codes instead."""
    if not extradata or len(extradata) <= at or extradata[0] != 1:
        return 0
    return (extradata[at] & 3) + 1


def _nal_units(content: bytes, length: int) -> Iterator[bytes]:
    """The NAL units of a packet, without length and start code. Lazy, as mostly the first ones are of interest."""
    at = 0
    while length and at + length <= len(content):
        size = int.from_bytes(content[at : at + length])
        yield content[at + length : at + length + size]
        at += length + size
    start = -1 if length else content.find(_START)
    while start >= 0:
        following = content.find(_START, start + 3)
        yield content[start + 3 : following if following >= 0 else None].rstrip(b"\0")
        start = following


def _parse_h264(packet: Packet, length: int) -> AccessPoint:
    recovers = False
    sets: list[bytes] = []
    for unit in filter(None, _nal_units(bytes(packet), length)):
        kind = unit[0] & 31
        if kind in _H264_SLICES:
            return AccessPoint(kind == _H264_IDR or recovers, frozenset(sets))
        if kind in _H264_PARAMETER_SETS:
            sets.append(unit)
        elif kind == _H264_SEI:
            recovers = recovers or _is_exact_recovery_point(unit[1:])
    return AccessPoint(False, frozenset(sets))


def _is_exact_recovery_point(sei: bytes) -> bool:
    """Return True if an SEI NAL unit has a recovery point whose `recovery_frame_cnt` is 0: no frame is incomplete."""
    content, at = sei.replace(b"\0\0\3", b"\0\0"), 0
    while at + 2 < len(content):
        header = []
        for _ in ("type", "size"):
            value = 0
            while at < len(content) and content[at] == 255:
                value, at = value + 255, at + 1
            header.append(value + (content[at] if at < len(content) else 0))
            at += 1
        kind, size = header
        if kind == _RECOVERY_POINT and at < len(content):
            return bool(content[at] & 128)  # ue(v): 0 is the single bit 1
        at += size
    return False


def _parse_hevc(packet: Packet, length: int) -> AccessPoint:
    sets: list[bytes] = []
    for unit in filter(None, _nal_units(bytes(packet), length)):
        kind = unit[0] >> 1 & 63
        if kind in _HEVC_SLICES:
            return AccessPoint(kind in _HEVC_IRAP, frozenset(sets))
        if kind in _HEVC_PARAMETER_SETS:
            sets.append(unit)
    return AccessPoint(False, frozenset(sets))


def _parse_mpeg2(packet: Packet) -> AccessPoint:
    """The sequence header with its extensions, which resets everything; and whether the picture is an I picture."""
    content = bytes(packet)
    picture = content.find(b"\0\0\1\0")
    if not 0 <= picture < len(content) - 5:
        return AccessPoint(False)
    is_intra = content[picture + 5] >> 3 & 7 == 1
    start = content.find(b"\0\0\1\xb3", 0, picture)
    if start < 0:
        return AccessPoint(False)
    ends = [content.find(_START + kind, start, picture) for kind in (b"\xb8", b"\xb2")]  # group, user data
    end = min((at for at in ends if at >= 0), default=picture)
    return AccessPoint(is_intra, frozenset([content[start:end]]))


def _parse_vp9(packet: Packet) -> AccessPoint:
    """Bits of the uncompressed header: marker 10, profile, show_existing_frame 0, frame_type 0 (key), show_frame 1."""
    first = bytes(packet)[0]
    bits = first << 1 if first >> 4 & 3 == 3 else first  # profile 3 has a reserved bit
    return AccessPoint(first >> 6 == 2 and bits >> 1 & 7 == 1)


def _parse_av1(packet: Packet) -> AccessPoint:
    """Sequence headers; and bits of the frame header: show_existing_frame 0, frame_type 00 (key), show_frame 1."""
    sets: list[bytes] = []
    for kind, payload in _av1_units(bytes(packet)):
        if kind == _AV1_SEQUENCE_HEADER:
            sets.append(payload)
        elif kind in _AV1_FRAMES and payload:
            return AccessPoint(payload[0] >> 4 == 1, frozenset(sets))
    return AccessPoint(False, frozenset(sets))


def _av1_units(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each OBU (AV1 specification, 5.3)."""
    at = 0
    while at < len(content):
        header = content[at]
        at += 2 if header & 4 else 1
        size, shift = len(content) - at, 0
        if header & 2:
            size = 0
            while at < len(content):  # LEB128
                size |= (content[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if content[at - 1] < 128:
                    break
        yield header >> 3 & 15, content[at : at + size]
        at += size

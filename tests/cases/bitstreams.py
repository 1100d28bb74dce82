"""Makes bytes that no library writes: transport streams spliced and merged, mp4 boxes, bitmap subtitles, damage."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Iterator

_TS = 188
_PAT = 0
_FIELDS_BEFORE_BOXES = {"stsd": 8, "avc1": 78}  # bytes


def splice(*streams: bytes) -> bytes:
    """Concatenates transport streams with continuous counters, so that only their clock reveals where they meet."""
    counted: Counter[int] = Counter()
    made = bytearray().join(streams)
    for at in range(0, len(made), _TS):
        pid = _pid(made, at)
        if made[at + 3] & 0x10:  # it has a payload
            made[at + 3] = made[at + 3] & 0xF0 | counted[pid] % 16
            counted[pid] += 1
    return bytes(made)


def merge_programs(*streams: bytes) -> bytes:
    """Merges transport streams of one program each, with different PIDs, into one of several programs."""
    programs = [_programs(stream) for stream in streams]
    table = _pat_packet([program for listed in programs for program in listed])
    packets = [[s[at : at + _TS] for at in range(0, len(s), _TS) if _pid(s, at) != _PAT] for s in streams]
    side_by_side = sorted((k / len(of), number, k) for number, of in enumerate(packets) for k in range(len(of)))
    return table + b"".join(packets[number][k] for _, number, k in side_by_side)


def boxes(mp4: bytes) -> Iterator[tuple[str, int, int]]:
    """Yields name, start and end of each outermost box of an mp4."""
    at = 0
    while at + 8 <= len(mp4):
        size, name = struct.unpack(">I4s", mp4[at : at + 8])
        yield name.decode("latin1"), at, at + size
        at += size


def with_box(mp4: bytes, place: tuple[str, ...], box: bytes) -> bytes:
    """Appends a box to the box that is found inside others by the names in `place`, first of each name.

    The mp4's samples must precede its index, so that their offsets stay as they are.
    """
    name, *inner = place
    start, end = next((start, end) for found, start, end in boxes(mp4) if found == name)
    head = start + 8 + _FIELDS_BEFORE_BOXES.get(name, 0)
    content = with_box(mp4[head:end], tuple(inner), box) if inner else mp4[head:end] + box
    size = struct.pack(">I", head - start + len(content))
    return mp4[:start] + size + mp4[start + 4 : head] + content + mp4[end:]


def clap(width: int, height: int, right: int = 0, down: int = 0) -> bytes:
    """Makes the box of a clean aperture (ISO/IEC 14496-12, 12.1.4) whose centre is moved by half samples."""
    return struct.pack(">I4s8I", 40, b"clap", width, 1, height, 1, right & 0xFFFFFFFF, 2, down & 0xFFFFFFFF, 2)


def without_box(mp4: bytes, name: str) -> bytes:
    """Removes a box from an mp4."""
    return b"".join(mp4[start:end] for found, start, end in boxes(mp4) if found != name)


def flip_bits(data: bytes, start: int, end: int, every: int) -> bytes:
    """Flips a bit in about `every` bytes between `start` and `end`; the same ones each time."""
    dice = random.Random(1)
    made = bytearray(data)
    for _ in range((end - start) // every):
        made[dice.randrange(start, end)] ^= 1 << dice.randrange(8)
    return bytes(made)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Adds an orientation to a JPEG: Exif 2.32's tag 0x0112, behind the start of the image."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def h264_with_captions(unit: bytes, captions: bytes) -> bytes:
    """Adds closed captions, cc_data of CTA-708, to a frame of H.264 with start codes: an SEI message (ATSC A/53, 4)."""
    body = b"\xb5\x00\x31" + _cc_data(captions)
    message = b"\0\0\1\x06\x04" + bytes([len(body)]) + body + b"\x80"
    at = next(at for at in _start_codes(unit) if unit[at + 3] & 0x1F in (1, 5))
    return unit[:at] + message + unit[at:]


def mpeg2_with_captions(unit: bytes, captions: bytes) -> bytes:
    """Adds closed captions to a frame of MPEG-2: user data in front of its first slice (ATSC A/53, part 4)."""
    return mpeg2_with_user_data(unit, _cc_data(captions))


def mpeg2_with_user_data(unit: bytes, content: bytes) -> bytes:
    """Adds user data to a frame of MPEG-2, in front of its first slice."""
    at = next(at for at in _start_codes(unit) if 1 <= unit[at + 3] <= 0xAF)
    return unit[:at] + b"\0\0\1\xb2" + content + unit[at:]


def _cc_data(captions: bytes) -> bytes:
    assert b"\0\0" not in captions, "it would need emulation prevention"
    return b"GA94\x03" + bytes([0x40 | len(captions) // 3, 0xFF]) + captions + b"\xff"


def _start_codes(unit: bytes) -> Iterator[int]:
    at = unit.find(b"\0\0\1")
    while at >= 0:
        yield at
        at = unit.find(b"\0\0\1", at + 3)


def pgs_box(width: int, height: int) -> bytes:
    """Makes a Blu-ray subtitle (PGS, as Matroska stores it) of one small white box in a frame of this size.

    Segments after US 2009/0185789: presentation, window, palette, object, end; each a type, a length, a body.
    """
    box = (16, 8)
    presentation = struct.pack(">HHBHBBBB", width, height, 0x10, 0, 0x80, 0, 0, 1)
    presentation += struct.pack(">HBBHH", 0, 0, 0, 8, 8)
    window = struct.pack(">BBHHHH", 1, 0, 8, 8, *box)
    palette = bytes([0, 0, 1, 235, 128, 128, 255])
    runs = (bytes([0, 0x80 | box[0], 1]) + bytes([0, 0])) * box[1]  # a run of 16 in colour 1, and the line's end
    picture = struct.pack(">HBB", 0, 0, 0xC0) + (len(runs) + 4).to_bytes(3, "big") + struct.pack(">HH", *box) + runs
    segments = [(0x16, presentation), (0x17, window), (0x14, palette), (0x15, picture), (0x80, b"")]
    return _pgs(segments)


def pgs_end(width: int, height: int) -> bytes:
    """Makes the end of such a subtitle: an empty presentation."""
    return _pgs([(0x16, struct.pack(">HHBHBBBB", width, height, 0x10, 1, 0, 0, 0, 0)), (0x80, b"")])


def _pgs(segments: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BH", kind, len(body)) + body for kind, body in segments)


def _pid(stream: bytes | bytearray, at: int) -> int:
    return (stream[at + 1] & 0x1F) << 8 | stream[at + 2]


def _programs(stream: bytes) -> list[bytes]:
    """The entries, four bytes each, of a stream's first program table."""
    at = next(at for at in range(0, len(stream), _TS) if _pid(stream, at) == _PAT)
    section = at + 5 + stream[at + 4]
    length = (stream[section + 1] & 0x0F) << 8 | stream[section + 2]
    return [stream[k : k + 4] for k in range(section + 8, section + 3 + length - 4, 4)]


def _pat_packet(programs: list[bytes]) -> bytes:
    body = struct.pack(">HBBB", 1, 0xC1, 0, 0) + b"".join(programs)
    section = struct.pack(">BH", 0, 0xB000 | len(body) + 4) + body
    section += _crc(section).to_bytes(4, "big")
    return (struct.pack(">BHB", 0x47, 0x4000, 0x10) + b"\0" + section).ljust(_TS, b"\xff")


def _crc(data: bytes) -> int:
    """CRC-32/MPEG-2 of ISO/IEC 13818-1, annex A."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc

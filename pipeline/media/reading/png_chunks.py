"""Compressed text and profiles in PNG files, removed where they are made to fill the memory when they are unpacked."""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COMPRESSED = (b"zTXt", b"iTXt", b"iCCP")  # PNG specification, third edition, 11.3.3.2 to 11.3.3.4
_MAX_BYTES = 16 << 20  # unpacked; FFmpeg takes ten times as much memory for it


def without_bombs(data: bytes) -> bytes:
    """The PNG file `data` without chunks of text or profile that unpack to more than 16 MiB; other files as they are.

    A chunk is its length, type, content and checksum (5.3). What is compressed begins behind a keyword and some fields;
    as their number differs, each place at which a zlib stream can begin is tried.
    """
    if not data.startswith(_SIGNATURE):
        return data
    kept, position = [data[: len(_SIGNATURE)]], len(_SIGNATURE)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if kind not in _COMPRESSED or not _is_bomb(data[position + 8 : end - 4]):
            kept.append(data[position:end])
        position = end
    kept.append(data[position:])
    return b"".join(kept)


def _is_bomb(content: bytes) -> bool:
    """Whether some zlib stream in `content`, behind its keyword, unpacks to more than is allowed."""
    if len(content) > _MAX_BYTES:
        return True
    start = max(0, content.find(b"\0"))
    places = [at for at in range(start, min(start + 128, len(content))) if content[at] & 0x0F == 8]  # deflate
    return any(_unpacked(content[at:]) > _MAX_BYTES for at in places)


def _unpacked(stream: bytes) -> int:
    try:
        return len(zlib.decompressobj().decompress(stream, _MAX_BYTES + 1))
    except zlib.error:
        return 0

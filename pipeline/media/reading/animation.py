"""Play counts of GIF and APNG animations, which FFmpeg's demuxers ignore: read from the files' own blocks."""

from __future__ import annotations

import struct
from pathlib import Path

FOREVER = 0  # as a play count
_HEAD_BYTES = 1 << 16  # both formats store the count before their first frame
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NETSCAPE = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"  # GIF's application extension for loops


def read_play_count(path: Path) -> int | None:
    """Return how many times the animation in `path` is played, FOREVER for no limit; None for any other file."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    if head.startswith(b"GIF8"):
        position = head.find(_NETSCAPE)
        if position < 0:
            return 1
        (repetitions,) = struct.unpack_from("<H", head.ljust(position + 18, b"\0"), position + len(_NETSCAPE))
        return repetitions + 1 if repetitions else FOREVER
    if head.startswith(_PNG_SIGNATURE):
        return _apng_play_count(head)
    return None


def is_animated_png(path: Path) -> bool:
    """Return True if `path` is an APNG by its content, named .png or .apng."""
    return path.suffix.lower() in (".png", ".apng") and read_play_count(path) is not None


def _apng_play_count(head: bytes) -> int | None:
    """The play count in the acTL chunk, which precedes the first IDAT; None if there is no acTL.

    A chunk is its length, type, content and checksum (PNG specification, third edition, 5.3 and 11.3.6.1).
    """
    position = len(_PNG_SIGNATURE)
    while position + 20 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, position)
        if kind == b"acTL":
            return int(struct.unpack_from(">I", head, position + 12)[0])
        if kind == b"IDAT":
            return None
        position += 12 + length
    return None

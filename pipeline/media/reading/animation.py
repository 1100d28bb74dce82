"""How often an animation is shown, which FFmpeg's demuxers don't tell: read from GIF's and APNG's own blocks."""

from __future__ import annotations

import struct
from pathlib import Path

FOREVER = 0
_LOOKED_AT = 1 << 16  # bytes at the beginning: both say it before their first frame
_PNG = b"\x89PNG\r\n\x1a\n"
_NETSCAPE = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"  # the application extension of GIF that every reader knows
_OPTION = {"gif": "loop", "apng": "plays"}  # FFmpeg's muxers: how often it is shown again, and how often it is shown


def read_play_count(path: Path) -> int | None:
    """How often the animation in `path` is shown, FOREVER among it; None if it is none."""
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
    except OSError:
        return None
    if head.startswith(b"GIF8"):
        at = head.find(_NETSCAPE)
        if at < 0:
            return 1
        (again,) = struct.unpack_from("<H", head.ljust(at + 18, b"\0"), at + len(_NETSCAPE))
        return again + 1 if again else FOREVER
    if head.startswith(_PNG):
        return _apng_plays(head)
    return None


def is_animated_png(path: Path) -> bool:
    """Whether `path` is an APNG, whatever it is called."""
    return path.suffix.lower() in (".png", ".apng") and read_play_count(path) is not None


def loop_options(muxer: str, source: Path) -> dict[str, str]:
    """What FFmpeg's `muxer` is told so that the result is shown as often as `source`: for ever, if that is a film."""
    if muxer not in _OPTION:
        return {}
    count = read_play_count(source) or FOREVER
    if muxer == "gif" and count != FOREVER:
        count = count - 1 or -1  # -1: no loop at all
    return {_OPTION[muxer]: str(count)}


def _apng_plays(head: bytes) -> int | None:
    """Chunks follow each other: length, kind, content, checksum; acTL stands before the first IDAT."""
    at = len(_PNG)
    while at + 20 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        if kind == b"acTL":
            return int(struct.unpack_from(">I", head, at + 12)[0])
        if kind == b"IDAT":
            return None
        at += 12 + length
    return None

"""Whether a file ends where its container says that it should."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.media.reading.matroska import end_of_segment

_TS_SYNC = 0x47
_TS_SIZES = ((188, 0), (192, 4), (204, 0))  # of a packet, and where its sync byte lies: plain, Blu-ray's, with parity
_TS_LOOKED_AT = 5  # packets


def missing(path: Path, container: str) -> int:
    """How many bytes are missing at the end of a file, as far as its structure tells: 0 if none, or it tells nothing.

    container: FFmpeg's name of the demuxer.
    """
    size = path.stat().st_size
    end = _end_of(container.split(",")[0])
    with path.open("rb") as file:
        return max(0, end(file, size) - size)


def _end_of(container: str) -> Callable[[BinaryIO, int], int]:
    ends = {"mov": _end_of_boxes, "matroska": end_of_segment, "mpegts": _end_of_packets, "avi": _end_of_riff}
    return ends.get(container, lambda file, size: size)


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """ISO 14496-12, 4.2: boxes follow each other, each behind its own length."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, _kind, long = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        length = long if length == 1 else length
        if length < 8:  # 0: to the end of the file
            return size
        at += length
    return at


def _end_of_packets(file: BinaryIO, size: int) -> int:
    """ISO 13818-1: packets of one length, each with a sync byte; the end of the last one."""
    file.seek(0)
    head = file.read(_TS_LOOKED_AT * 204)
    for length, sync in _TS_SIZES:
        if all(byte == _TS_SYNC for byte in head[sync::length]) and len(head) > length:
            return -(-size // length) * length
    return size


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """RIFF: a chunk behind the length of what follows; large files have several."""
    file.seek(0)
    mark, length, _kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    return 8 + length if mark == b"RIFF" and 0 < length < 1 << 31 else size

"""Whether a file ends where its container says that it should."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.media.reading.matroska import find_segment_end

_TS_SYNC = 0x47
_TS_SIZES = ((188, 0), (192, 4), (204, 0))  # of a packet, and where its sync byte lies: plain, Blu-ray's, with parity
_TS_LOOKED_AT = 5  # packets
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_LOOKED_AT = 1 << 16
_TAIL = 64  # bytes at the end of a GIF
_OGG_PAGE = 65_307  # bytes, the longest


def missing_bytes(path: Path, container: str) -> int:
    """How many bytes are missing at the end of a file, as far as its structure tells: 0 if none, or it tells nothing.

    container: FFmpeg's name of the demuxer.
    """
    size = path.stat().st_size
    end = _ENDS.get(container.split(",")[0])
    if end is None:
        return 0
    with path.open("rb") as file:
        return max(0, end(file, size) - size)


def missing_bytes_of_pipe(head: bytes, size: int, container: str) -> int:
    """The same of what came through a pipe: its first bytes, and how many there were."""
    kind = container.split(",")[0]
    return max(0, _ENDS[kind](io.BytesIO(head), size) - size) if kind in _TOLD_AT_THE_BEGINNING else 0


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


def _end_of_asf(file: BinaryIO, size: int) -> int:
    """ASF 1.2, 3.2: the File Properties Object tells the size of the file, unless bit 0 of its flags is set."""
    file.seek(0)
    head = file.read(_ASF_LOOKED_AT)
    at = head.find(_ASF_PROPERTIES)
    if at < 0 or len(head) < at + 92 or head[at + 88] & 1:
        return size
    told: int = struct.unpack_from("<Q", head, at + 40)[0]
    return told


def _end_of_gif(file: BinaryIO, size: int) -> int:
    """GIF89a, 27: a trailer, 0x3B, is the last byte; some programs add zeros."""
    file.seek(max(0, size - _TAIL))
    return size if file.read().rstrip(b"\0").endswith(b"\x3b") else size + 1


def _end_of_pages(file: BinaryIO, size: int) -> int:
    """RFC 3533, 6: the last page of a stream has bit 2 of its flags set."""
    file.seek(max(0, size - _OGG_PAGE))
    tail = file.read()
    at = tail.rfind(b"OggS")
    return size if at >= 0 and len(tail) > at + 5 and tail[at + 5] & 4 else size + 1


_ENDS: dict[str, Callable[[BinaryIO, int], int]] = {
    "mov": _end_of_boxes,
    "matroska": find_segment_end,
    "mpegts": _end_of_packets,
    "avi": _end_of_riff,
    "asf": _end_of_asf,
    "gif": _end_of_gif,
    "ogg": _end_of_pages,
}
_TOLD_AT_THE_BEGINNING = ("mov", "matroska", "mpegts", "avi", "asf")

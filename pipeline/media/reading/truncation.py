"""Detection of files that are cut off, by the structure of their containers."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.media.reading.matroska import find_segment_end

_TS_SYNC = 0x47
_TS_SIZES = ((188, 0), (192, 4), (204, 0))  # packet size, offset of the sync byte: plain, Blu-ray, with parity
_TS_CHECKED = 5  # packets
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_HEAD_BYTES = 1 << 16
_GIF_TAIL_BYTES = 64
_MAX_OGG_PAGE = 65_307  # bytes


def missing_bytes(path: Path, container: str) -> int:
    """The number of bytes that are missing at the end of a file; 0 also if its structure has no end.

    Args:
        path: The file.
        container: FFmpeg's name of its demuxer.
    """
    size = path.stat().st_size
    find_end = _ENDS.get(container.split(",")[0])
    if find_end is None:
        return 0
    with path.open("rb") as file:
        return max(0, find_end(file, size) - size)


def missing_bytes_of_pipe(head: bytes, size: int, container: str) -> int:
    """As `missing_bytes`, for a stream that was read from a pipe.

    Args:
        head: The first bytes of the stream.
        size: The length of the complete stream.
        container: FFmpeg's name of its demuxer.
    """
    kind = container.split(",")[0]
    return max(0, _ENDS[kind](io.BytesIO(head), size) - size) if kind in _END_IN_HEAD else 0


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """ISO 14496-12, 4.2: boxes follow each other, each after its length."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, _kind, long_length = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        length = long_length if length == 1 else length
        if length < 8:  # 0: up to the end of the file
            return size
        position += length
    return position


def _end_of_packets(file: BinaryIO, size: int) -> int:
    """ISO 13818-1: packets of equal size, each with a sync byte."""
    file.seek(0)
    head = file.read(_TS_CHECKED * 204)
    for length, sync in _TS_SIZES:
        if all(byte == _TS_SYNC for byte in head[sync::length]) and len(head) > length:
            return -(-size // length) * length
    return size


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """RIFF: a chunk after the length of its content; large files have several chunks."""
    file.seek(0)
    mark, length, _kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    return 8 + length if mark == b"RIFF" and 0 < length < 1 << 31 else size


def _end_of_asf(file: BinaryIO, size: int) -> int:
    """ASF 1.2, 3.2: the File Properties Object has the file's size, unless bit 0 of its flags, "broadcast", is set."""
    file.seek(0)
    head = file.read(_ASF_HEAD_BYTES)
    position = head.find(_ASF_PROPERTIES)
    if position < 0 or len(head) < position + 92 or head[position + 88] & 1:
        return size
    declared: int = struct.unpack_from("<Q", head, position + 40)[0]
    return declared


def _end_of_gif(file: BinaryIO, size: int) -> int:
    """GIF89a, 27: the last byte is a trailer, 0x3B; some programs append zeros."""
    file.seek(max(0, size - _GIF_TAIL_BYTES))
    return size if file.read().rstrip(b"\0").endswith(b"\x3b") else size + 1


def _end_of_pages(file: BinaryIO, size: int) -> int:
    """RFC 3533, 6: the last page of a stream has bit 2 of its flags set."""
    file.seek(max(0, size - _MAX_OGG_PAGE))
    tail = file.read()
    position = tail.rfind(b"OggS")
    return size if position >= 0 and len(tail) > position + 5 and tail[position + 5] & 4 else size + 1


_ENDS: dict[str, Callable[[BinaryIO, int], int]] = {
    "mov": _end_of_boxes,
    "matroska": find_segment_end,
    "mpegts": _end_of_packets,
    "avi": _end_of_riff,
    "asf": _end_of_asf,
    "gif": _end_of_gif,
    "ogg": _end_of_pages,
}
_END_IN_HEAD = ("mov", "matroska", "mpegts", "avi", "asf")  # containers whose first bytes are enough

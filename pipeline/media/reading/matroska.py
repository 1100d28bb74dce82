"""The structure of Matroska files (RFC 8794 and 9559): what FFmpeg does not say when it finds it broken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import av

_EBML, _SEGMENT, _CLUSTER, _GROUP = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xA0
_BLOCKS = (0xA3, 0xA1)
# What may lie between two blocks: the children of Segment, Cluster and BlockGroup, and those that lie anywhere.
_SEGMENT_S = (0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367)
_CLUSTER_S = (0xE7, 0x5854, 0xA7, 0xAB, 0xAF, *_BLOCKS)
_GROUP_S = (0xA2, 0x75A1, 0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A2, 0x8E)
_KNOWN = frozenset((*_SEGMENT_S, *_CLUSTER_S, *_GROUP_S, _EBML, 0xEC, 0xBF))
_OPENED = (_SEGMENT, _CLUSTER, _GROUP)  # whose children follow each other as if they had no parent
_HEADER = 12  # bytes that the longest one of an element takes
_USUAL = 12  # bytes between the contents of two blocks that follow each other
_BLOCK_HEADER = 4  # bytes of a block's content before its frame: track, time, flags


def find_segment_end(file: BinaryIO, size: int) -> int:
    """Where the file should end: a header, then one Segment; `size` where its length is unknown, as in a stream."""
    first = read_element(file, 0)
    second = read_element(file, first[2]) if first and first[0] == _EBML and first[2] is not None else None
    return size if second is None or second[0] != _SEGMENT or second[2] is None else second[2]


class BlockChecker:
    """Finds places where the chain of blocks is broken, or FFmpeg leaves some out: it does so without a word."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._at = self._end = 0
        self._tracks: dict[int, int] = {}  # Matroska's numbers, by FFmpeg's

    def broken_before(self, packet: av.Packet[Any]) -> bool:
        """Whether something unreadable lies before this packet. All packets of the file must come by, in order."""
        at, self._at = self._at, packet.pos or 0
        end, self._end = self._end, self._at + packet.size
        if packet.stream_index not in self._tracks:
            self._tracks[packet.stream_index] = self._track(self._at)
        return bool(at) and self._at - end > _USUAL and not self._leads(at, self._at)

    def broken_at_end(self) -> bool:
        """Whether something unreadable lies behind the last packet."""
        size = self._file.seek(0, os.SEEK_END)
        end = min(size, find_segment_end(self._file, size))
        return bool(self._at) and self._at < end and not self._leads(self._at, end + _HEADER)

    def close(self) -> None:
        self._file.close()

    def _leads(self, block: int, to: int) -> bool:
        """Whether known elements follow each other from the block whose content lies at `block` to the one at `to`."""
        at = self._end_of_block(block)
        while at is not None and at < to - _HEADER:
            element = read_element(self._file, at)
            if element is None or (element[0] not in _KNOWN and element[0] not in _OPENED):
                return False
            if element[0] in _BLOCKS and element[1] != to and self._should_have_come(element):
                return False
            at = element[1] if element[0] in _OPENED else element[2]
        return at is not None

    def _should_have_come(self, block: tuple[int, int, int | None]) -> bool:
        """Whether a block that FFmpeg passed over holds something of a stream that it reads."""
        empty = block[2] is not None and block[2] - block[1] <= _BLOCK_HEADER
        return not empty and self._track(block[1]) in self._tracks.values()

    def _track(self, content: int) -> int:
        """The number of the track whose block's content lies at `content`."""
        self._file.seek(content)
        head = self._file.read(8)
        width = _width(head[:1])
        return int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)

    def _end_of_block(self, content: int) -> int | None:
        for header in range(2, _HEADER):
            element = read_element(self._file, content - header)
            if element and element[0] in _BLOCKS and element[1] == content:
                return element[2]
        return None


def read_element(file: BinaryIO, at: int) -> tuple[int, int, int | None] | None:
    """The ID of the element at `at`, where its content begins and ends (None: unknown); None if there is none."""
    file.seek(at)
    head = file.read(_HEADER)
    width = _width(head[:1])
    length = _width(head[width : width + 1])
    if not width or width > 4 or not length or len(head) < width + length:
        return None
    value = int.from_bytes(head[width : width + length], "big") & ((1 << 7 * length) - 1)
    begins = at + width + length
    return int.from_bytes(head[:width], "big"), begins, None if value == (1 << 7 * length) - 1 else begins + value


def _width(first: bytes) -> int:
    """How many bytes a number takes that begins with this one: one, and one for each leading zero; 0: none does."""
    return 9 - first[0].bit_length() if first and first[0] else 0

"""The element structure of Matroska files (RFC 8794 and 9559), to find damage that FFmpeg does not report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipeline.flow.closing import Closing
from pipeline.media.reading.source import Packet

_EBML, _SEGMENT, _CLUSTER, _BLOCK_GROUP = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xA0
_BLOCKS = (0xA3, 0xA1)  # SimpleBlock, Block
# Elements that may be between two blocks: children of Segment, Cluster and BlockGroup, and global elements.
_SEGMENT_CHILDREN = (0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367)
_CLUSTER_CHILDREN = (0xE7, 0x5854, 0xA7, 0xAB, 0xAF, *_BLOCKS)
_GROUP_CHILDREN = (0xA2, 0x75A1, 0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A2, 0x8E)
_KNOWN = frozenset((*_SEGMENT_CHILDREN, *_CLUSTER_CHILDREN, *_GROUP_CHILDREN, _EBML, 0xEC, 0xBF))
_PARENTS = (_SEGMENT, _CLUSTER, _BLOCK_GROUP)  # the walk descends into them, as if their children had no parent
_MAX_HEADER = 12  # bytes of an element's header: ID and size
_USUAL_GAP = 12  # bytes between the contents of consecutive blocks
_BLOCK_HEADER = 4  # bytes of a block's content before its frame: track, time, flags


class ElementHeader(NamedTuple):
    """The header of an EBML element.

    Attributes:
        id: Its ID, marker bits included.
        content: The offset of its content in the file.
        end: The offset of the first byte after it, None if its size is unknown, as in live streams.
    """

    id: int
    content: int
    end: int | None


def find_segment_end(file: BinaryIO, size: int) -> int:
    """The offset at which the file should end, from its one Segment; `size` if that has an unknown size."""
    header = read_element(file, 0)
    segment = read_element(file, header.end) if header and header.id == _EBML and header.end is not None else None
    return size if segment is None or segment.id != _SEGMENT or segment.end is None else segment.end


class BlockChecker(Closing):
    """Finds places where the chain of blocks is broken, or where FFmpeg silently skips blocks.

    All packets of the file have to pass `is_broken_before`, in order.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._position = self._end = 0  # of the last packet's content
        self._tracks: dict[int, int] = {}  # Matroska's track numbers by FFmpeg's stream indices

    def is_broken_before(self, packet: Packet) -> bool:
        """Return True if there is unreadable data between the last packet and this one."""
        previous, self._position = self._position, packet.pos or 0
        end, self._end = self._end, self._position + packet.size
        if packet.stream_index not in self._tracks:
            self._tracks[packet.stream_index] = self._track_number(self._position)
        has_gap = bool(previous) and self._position - end > _USUAL_GAP
        return has_gap and not self._is_intact(previous, self._position)

    def is_broken_at_end(self) -> bool:
        """Return True if there is unreadable data after the last packet."""
        size = self._file.seek(0, os.SEEK_END)
        end = min(size, find_segment_end(self._file, size))
        return bool(self._position) and self._position < end and not self._is_intact(self._position, end + _MAX_HEADER)

    def close(self) -> None:
        self._file.close()

    def _is_intact(self, block: int, to: int) -> bool:
        """Return True if known elements lead from the block whose content is at offset `block` to the one at `to`."""
        position = self._end_of_block(block)
        while position is not None and position < to - _MAX_HEADER:
            element = read_element(self._file, position)
            if element is None or (element.id not in _KNOWN and element.id not in _PARENTS):
                return False
            if element.id in _BLOCKS and element.content != to and self._was_skipped(element):
                return False
            position = element.content if element.id in _PARENTS else element.end
        return position is not None

    def _was_skipped(self, block: ElementHeader) -> bool:
        """Return True if a block that yielded no packet has data of a stream that FFmpeg reads."""
        is_empty = block.end is not None and block.end - block.content <= _BLOCK_HEADER
        return not is_empty and self._track_number(block.content) in self._tracks.values()

    def _track_number(self, content: int) -> int:
        """The track number of the block whose content is at that offset."""
        self._file.seek(content)
        head = self._file.read(8)
        width = _vint_width(head[:1])
        return int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)

    def _end_of_block(self, content: int) -> int | None:
        for header in range(2, _MAX_HEADER):
            element = read_element(self._file, content - header)
            if element and element.id in _BLOCKS and element.content == content:
                return element.end
        return None


def read_element(file: BinaryIO, position: int) -> ElementHeader | None:
    """The header of the element at that offset; None if there is none."""
    try:
        file.seek(position)
    except (OSError, OverflowError, ValueError):  # beyond what a file can have: the size before it is damaged
        return None
    head = file.read(_MAX_HEADER)
    id_width = _vint_width(head[:1])
    size_width = _vint_width(head[id_width : id_width + 1])
    if not id_width or id_width > 4 or not size_width or len(head) < id_width + size_width:
        return None
    unknown = (1 << 7 * size_width) - 1
    size = int.from_bytes(head[id_width : id_width + size_width], "big") & unknown
    content = position + id_width + size_width
    return ElementHeader(int.from_bytes(head[:id_width], "big"), content, None if size == unknown else content + size)


def _vint_width(first: bytes) -> int:
    """The bytes of a variable-size integer that begins with this byte: 1 + leading zeros; 0 if none begins so."""
    return 9 - first[0].bit_length() if first and first[0] else 0

"""Transport streams whose packet identifiers (PIDs) change, read as if they did not (ISO/IEC 13818-1).

A recorder that changes channels, or a join of two recordings, lets the programme go on under other PIDs. FFmpeg makes
further streams of them, which mean nothing to a player. `RemappedFile` gives the later packets the first PIDs, so that
FFmpeg reads one stream, whose last frame before the change it then also finds complete.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from pipeline.media.codec_parameters import codec_name

PLACES = tuple(Fraction(odd, count) for count in (2, 4, 8, 16) for odd in range(count - 1, 0, -2))
"""Where in a file late streams are looked for, in parts of it: 1/2, 3/4, 1/4..."""

_MAX_PACKETS = 400  # that are read to see which streams go on in a place: more than a second of a broadcast

_PACKET, _SYNC = 188, 0x47  # bytes; the first of each
_PAT, _NULL = 0, 0x1FFF  # PIDs: of the table of programmes, of packets without content
_HEAD = 4  # bytes of a packet's header, the last of which counts
_CHECKSUM = 4  # bytes at a section's end
_WINDOW = 8192  # packets, about a second of a broadcast: each PID that is in use has some in it
_SCANNED = 2 << 20  # bytes at the beginning in which the tables are looked for

Packets = NDArray[np.uint8]  # (packets, 188)


def changed_pids(path: Path, container: InputContainer, open_at: Callable[[int], InputContainer]) -> dict[int, int]:
    """Return the PIDs under which streams of a transport stream go on, and the first PIDs of those streams.

    A stream that the first tables don't list goes on with one of the same codec that has no packets beside it later.

    Args:
        path: The file.
        container: The container that reads it.
        open_at: Opens it at an offset in bytes.
    """
    if not is_plain_transport_stream(path):
        return {}
    with path.open("rb") as file:
        listed = _listed_pids(_first_tables(_packets(file.read(_SCANNED))))
    late = [stream for stream in container.streams if stream.id not in listed]
    if not late or not listed:
        return {}
    found: dict[int, int] = {}
    for place in PLACES:
        with open_at(int(path.stat().st_size * place)) as later:
            present = _present(later)
        for stream in (each for each in late if each.id in present and each.id not in found):
            ended = (
                each.id
                for each in container.streams
                if (each.type, codec_name(each)) == (stream.type, codec_name(stream))
                and each.id in listed
                and each.id not in (present | set(found.values()))
            )
            for before in islice(ended, 1):
                found[stream.id] = before
    return found


def _present(container: InputContainer) -> set[int]:
    """Return the PIDs that have packets at the beginning of `container`."""
    packets: Any = container.demux(*container.streams)
    found = set()
    with contextlib.closing(packets), contextlib.suppress(IndexError):  # at a stream that was not listed
        for packet in islice(packets, _MAX_PACKETS):
            found |= {packet.stream.id} if packet.size else set()
    return found


class RemappedFile(io.RawIOBase):
    """A transport stream whose later PIDs are replaced by earlier ones, and later tables left out."""

    def __init__(self, path: Path, pids: Mapping[int, int]) -> None:
        """Open `path`, a transport stream in packets of 188 bytes.

        Args:
            path: The file.
            pids: The PID that stands for another one, by that other one.
        """
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size
        self._pids = dict(pids)
        self._tables = _first_tables(_packets(self._read_at(0, _SCANNED)))
        self._position = 0
        self._steps: dict[int, int] = {}  # what is added to continuity counters, by later PID
        self._find_steps()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        content = self.read(len(target))
        target[: len(content)] = content
        return len(content)

    def read(self, size: int = -1) -> bytes:
        start = self._position
        end = self._size if size < 0 else min(self._size, start + size)
        first = start // _PACKET * _PACKET
        content = self._remapped(self._read_at(first, -(-end // _PACKET) * _PACKET - first))
        self._position = max(start, end)
        return content[start - first : end - first]

    def close(self) -> None:
        self._file.close()
        super().close()

    def _read_at(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        return self._file.read(max(0, size))

    def _find_steps(self) -> None:
        """Find by how much each counter is to be raised, so that it goes on where the earlier PID ends."""
        low, high = 0, self._size // _PACKET  # packets, without and with later PIDs
        while high - low > _WINDOW:
            middle = (low + high) // 2
            packets = _packets(self._read_at(middle * _PACKET, _WINDOW * _PACKET))
            low, high = (low, middle) if np.isin(_pids(packets), list(self._pids)).any() else (middle, high)
        low = max(0, low - _WINDOW)
        packets = _packets(self._read_at(low * _PACKET, (high - low + 2 * _WINDOW) * _PACKET))
        pids, counters = _pids(packets), packets[:, 3] & 0x0F
        for later, earlier in self._pids.items():
            first = np.flatnonzero(pids == later)[:1]
            last = np.flatnonzero(pids[: first[0]] == earlier)[-1:] if len(first) else first
            if len(last):
                self._steps[later] = (int(counters[last[0]]) + 1 - int(counters[first[0]])) % 16

    def _remapped(self, content: bytes) -> bytes:
        packets, rest = _packets(content).copy(), content[len(content) // _PACKET * _PACKET :]
        pids = _pids(packets)
        for later, earlier in self._pids.items():
            counted = packets[pids == later, 3]
            packets[pids == later, 3] = counted & 0xF0 | (counted + self._steps.get(later, 0)) & 0x0F
            _set_pid(packets, pids == later, earlier)
        for pid, table in self._tables.items():
            differs = (packets[:, _HEAD:] != table[_HEAD:]).any(axis=1)
            _set_pid(packets, (pids == pid) & differs, _NULL)
        return packets.tobytes() + rest


def is_plain_transport_stream(path: Path) -> bool:
    """Return True if `path` begins with packets of 188 bytes."""
    with path.open("rb") as file:
        packets = _packets(file.read(5 * _PACKET))
    return len(packets) == 5 and bool((packets[:, 0] == _SYNC).all())


def _first_tables(packets: Packets) -> dict[int, Packets]:
    """Return the packets of the first PAT, and of the first PMT of each programme that it lists, by PID."""
    pids = _pids(packets)
    first = {int(pid): packets[np.argmax(pids == pid)] for pid in np.unique(pids)}
    tables = {_PAT: first[_PAT]} if _PAT in first else {}
    for entry in (entry for pat in list(tables.values()) for entry in _section(pat, 13).reshape(-1, 4)):
        if (pid := _pid(entry[2:])) in first:
            tables[pid] = first[pid]
    return tables


def _listed_pids(tables: dict[int, Packets]) -> set[int]:
    """Return the PIDs of the streams that the PMTs among `tables` list."""
    found = set()
    for table in (table for pid, table in tables.items() if pid != _PAT):
        streams = _section(table, 17 + _length(table[15:]))
        while len(streams) >= 5:
            found.add(_pid(streams[1:]))
            streams = streams[5 + _length(streams[3:]) :]
    return found


def _section(table: Packets, start: int) -> Packets:
    """Return the content from byte `start` of a packet to the checksum of the section that begins in it."""
    return table[start : max(start, 8 + _length(table[6:]) - _CHECKSUM)]


def _length(field: Packets) -> int:
    return (int(field[0]) & 0x0F) << 8 | int(field[1])


def _pid(field: Packets) -> int:
    return (int(field[0]) & 0x1F) << 8 | int(field[1])


def _packets(content: bytes) -> Packets:
    """Return the complete packets of `content`, which begins with one."""
    count = len(content) // _PACKET
    return np.frombuffer(content, np.uint8, count * _PACKET).reshape(count, _PACKET)


def _pids(packets: Packets) -> NDArray[np.uint16]:
    return np.asarray((packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2], np.uint16)


def _set_pid(packets: Packets, chosen: NDArray[np.bool_], pid: int) -> None:
    packets[chosen, 1] = packets[chosen, 1] & 0xE0 | pid >> 8
    packets[chosen, 2] = pid & 0xFF

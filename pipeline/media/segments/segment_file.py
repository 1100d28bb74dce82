"""A segment in a file: the packets of some frames, and of the other streams that came among them.

    mark, records of packets, facts (JSON), length of the facts, SHA-256 of all before

A segment is written under a temporary name, synchronised with the disk, and renamed: under its own name it is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.media.reading.source import Packet
from pipeline.media.segments.packet_record import VIDEO, pack_packet, unpack_packets
from pipeline.system.atomic_file import sync_folder

_MARK = b"uprez segment 1\n"
_LENGTH = struct.Struct("<I")
_DIGEST_BYTES = hashlib.sha256().digest_size


class SegmentError(Exception):
    """A segment is damaged, incomplete or missing. For callers to handle: the work can be done again."""


@dataclass(frozen=True)
class SegmentFacts:
    """The contents of a segment, apart from its packets.

    Attributes:
        job: Digest of the job that the segment belongs to.
        index: Its position among the segments of the job, from 0.
        times: The pts of its frames in the order of presentation, as the encoder returned them.
        others: Number of packets of other streams, by stream index of the source.
    """

    job: str
    index: int
    times: tuple[int, ...]
    others: dict[int, int]


class SegmentWriter:
    """Writes one segment.

    Attributes:
        frames: Number of packets of the encoded video so far.
        packets: Number of all packets so far.
    """

    def __init__(self, path: Path) -> None:
        """Create the file of the segment `path`, under a temporary name. Raises OSError."""
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._file = self._part.open("wb")
        self._digest = hashlib.sha256()
        self._times: list[int] = []
        self._others: Counter[int] = Counter()
        self.packets = 0
        self._write(_MARK)

    @property
    def frames(self) -> int:
        return len(self._times)

    def add(self, packet: Packet) -> None:
        """Write a packet; one without a stream is of the encoded video. Raises OSError."""
        if packet.stream is None:
            assert packet.pts is not None
            self._times.append(packet.pts)
        else:
            self._others[packet.stream_index] += 1
        self.packets += 1
        self._write(pack_packet(packet))

    def commit(self, job: str, index: int) -> SegmentFacts:
        """Finish the file and give it its name, for good. Raises OSError."""
        facts = SegmentFacts(job, index, tuple(sorted(self._times)), dict(self._others))
        coded = json.dumps({**facts.__dict__, "others": sorted(facts.others.items())}).encode()
        self._write(coded + _LENGTH.pack(len(coded)))
        self._file.write(self._digest.digest())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, self._path)
        sync_folder(self._path.parent)
        return facts

    def discard(self) -> None:
        """Close the file, and remove it if it was not committed."""
        with contextlib.suppress(OSError):  # a full disk, again
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._digest.update(content)


class StoredSegment:
    """A segment that was read from its file.

    Attributes:
        facts: Its contents, apart from the packets.
    """

    def __init__(self, path: Path) -> None:
        """Read the file `path`.

        Raises:
            SegmentError: It is damaged, incomplete or missing.
            OSError: It can't be read, which may pass.
        """
        try:
            content = memoryview(path.read_bytes())
        except FileNotFoundError as error:
            raise SegmentError(f"{path}: is missing") from error
        body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if body[: len(_MARK)] != _MARK or hashlib.sha256(body).digest() != digest:
            raise SegmentError(f"{path}: is damaged: its digest does not match")
        end = len(body) - _LENGTH.size
        (length,) = _LENGTH.unpack(body[end:])
        facts = json.loads(bytes(body[end - length : end]))
        self.facts = SegmentFacts(facts["job"], facts["index"], tuple(facts["times"]), dict(facts["others"]))
        self._records = body[len(_MARK) : end - length]

    def packets(self) -> Iterator[tuple[int, Packet]]:
        """Yield the stream index of the source, or VIDEO, and each packet, in the order in which they were added."""
        return unpack_packets(self._records)


__all__ = ["VIDEO", "SegmentError", "SegmentFacts", "SegmentWriter", "StoredSegment"]

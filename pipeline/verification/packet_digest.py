"""Digests of packets, sixteen bytes each with its time, for comparing a copied stream with its original."""

from __future__ import annotations

import hashlib
import math
import re
import struct
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.media.pcm import is_pcm, played_duration
from pipeline.media.reading.source import Packet

_DIGEST_BYTES = 8
_EMPTY_SAMPLE = bytes(2)  # in the mp4 family: a text sample that shows nothing
_MAX_CUE_BYTES = 64 * 1024  # no line of text is longer; bitmaps are
_IN_NAL_UNITS = ("h264", "hevc", "vvc")
_FIRST_CODE = b"\0\0\0\1"  # as a length it would mean a unit of one byte, which does not exist
_START_CODE = re.compile(b"\0{2,}\1")
_ADTS, _ADTS_CHECKED = 7, 9  # bytes of a header, without and with a checksum (ISO 14496-3, 1.A.2.2)


class PacketDigests:
    """The packets of one stream, in file order.

    Attributes:
        cues: Content of subtitle packets, whose codec the output may have changed.
        bytes: Number of bytes of all packets.
        end: End of the last packet, in seconds.
        lead_in: Seconds that decoders drop from the beginning; nan if the file hides packets, of unknown length.
    """

    def __init__(self, stream: Any) -> None:
        self._is_text = stream.type == "subtitle"
        codec = stream.codec_context.name if stream.codec_context else ""
        self._pcm = stream.codec_context if is_pcm(codec) else None
        self._aac, self._in_nal_units = codec.startswith("aac"), codec in _IN_NAL_UNITS
        self._times = array("d")
        self._digests = array("Q")
        self._content = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self.cues: list[bytes] = []
        self.bytes = 0
        self.end = self.lead_in = 0.0
        self._rate = getattr(stream.codec_context, "sample_rate", None)  # samples a second, of audio

    def add(self, packet: Packet) -> None:
        """Add a packet. Headers that only some containers have are left out of its digest."""
        content: Any = packet  # its stub does not declare the buffer protocol
        payload = memoryview(content)
        if self._aac:
            payload = payload[_adts_header_bytes(payload) :]
        elif self._in_nal_units and payload[:4] == _FIRST_CODE:
            payload = memoryview(_with_lengths(bytes(payload)))
        if self._is_text and payload == _EMPTY_SAMPLE:
            return
        if self._rate and not self._digests:
            self.lead_in = _skipped_samples(packet) / self._rate
        ticks = packet.pts if packet.pts is not None else packet.dts
        time = float("nan") if ticks is None or packet.time_base is None else float(ticks * packet.time_base)
        length = played_duration(packet, self._pcm) if self._pcm else packet.duration or 0
        duration = float(length * (packet.time_base or 0))
        self._times.append(time)
        digest = hashlib.blake2b(payload, digest_size=_DIGEST_BYTES).digest()
        self._digests.append(int.from_bytes(digest, "little"))
        self._content.update(payload)
        self.bytes += len(payload)
        self.end = max(self.end, time + duration) if time == time else self.end
        if self._is_text and len(payload) <= _MAX_CUE_BYTES:
            self.cues.append(bytes(payload))

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def times(self) -> NDArray[np.float64]:
        """The presentation time of each packet in seconds, nan for packets without a timestamp."""
        return np.array(self._times)

    @property
    def digests(self) -> NDArray[np.uint64]:
        """The digest of each packet."""
        return np.array(self._digests, np.uint64)

    @property
    def content(self) -> str:
        """A digest of all payloads together, equal for streams that are only divided into other packets."""
        return self._content.hexdigest()


def _skipped_samples(packet: Packet) -> float:
    """Return the samples that a decoder drops from the beginning of a packet; nan if the file hides the packet."""
    if not packet.has_sidedata("skip_samples"):
        return math.nan if packet.is_discard else 0
    side_data: Any = packet.get_sidedata("skip_samples")
    return int(struct.unpack_from("<I", bytes(side_data))[0])


def _with_lengths(payload: bytes) -> bytes:
    """Convert NAL units after start codes (H.264, annex B) to those of mp4 and Matroska: each after its length."""
    units = _START_CODE.split(payload)[1:]
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def _adts_header_bytes(payload: memoryview) -> int:
    """Return the length of the header that AAC packets have in transport streams and in no other container."""
    if len(payload) <= _ADTS_CHECKED or payload[0] != 0xFF or payload[1] & 0xF6 != 0xF0:
        return 0
    return _ADTS if payload[1] & 1 else _ADTS_CHECKED

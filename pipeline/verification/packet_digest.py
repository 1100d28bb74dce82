"""What passed through beside the picture: each packet of a stream in sixteen bytes, for comparing it with its copy."""

from __future__ import annotations

import hashlib
import re
import struct
from array import array
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

_DIGEST_BYTES = 8
_NO_TEXT = bytes(2)  # of the mp4 family: a sample that says that there is nothing to show
_CUE_BYTES = 64 * 1024  # no line of text is longer; bitmaps are
_IN_NAL_UNITS = ("h264", "hevc", "vvc")
_FIRST_CODE = b"\0\0\0\1"  # as a length it would mean a unit of a byte, which there is not
_START_CODE = re.compile(b"\0{2,}\1")
_ADTS, _ADTS_CHECKED = 7, 9  # bytes of a header, without and with a checksum (ISO 14496-3, 1.A.2.2)


class Packets:
    """The packets of one stream, in the order of the file.

    seconds: when each is shown or heard, nan if the file does not say. end: when the last one ends. cues: subtitles,
    as they are: their form may be converted.
    """

    def __init__(self, stream: Any) -> None:
        self._is_text = stream.type == "subtitle"
        codec = stream.codec_context.name if stream.codec_context else ""
        self._aac, self._in_nal_units = codec.startswith("aac"), codec in _IN_NAL_UNITS
        self._seconds = array("d")
        self._digests = array("Q")
        self._whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self.cues: list[bytes] = []
        self.bytes = 0
        self.end = 0.0

    def add(self, packet: av.Packet[Any]) -> None:
        content: Any = packet  # whose stub does not say that it is a buffer
        payload = memoryview(content)
        if self._aac:
            payload = payload[_adts_header(payload) :]
        elif self._in_nal_units and payload[:4] == _FIRST_CODE:
            payload = memoryview(_with_lengths(bytes(payload)))
        if self._is_text and payload == _NO_TEXT:
            return
        ticks = packet.pts if packet.pts is not None else packet.dts
        seconds = float("nan") if ticks is None or packet.time_base is None else float(ticks * packet.time_base)
        lasts = float((packet.duration or 0) * (packet.time_base or 0))
        self._seconds.append(seconds)
        digest = hashlib.blake2b(payload, digest_size=_DIGEST_BYTES).digest()
        self._digests.append(int.from_bytes(digest, "little"))
        self._whole.update(payload)
        self.bytes += len(payload)
        self.end = max(self.end, seconds + lasts) if seconds == seconds else self.end
        if self._is_text and len(payload) <= _CUE_BYTES:
            self.cues.append(bytes(payload))

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def seconds(self) -> NDArray[np.float64]:
        return np.array(self._seconds)

    @property
    def digests(self) -> NDArray[np.uint64]:
        return np.array(self._digests, np.uint64)

    @property
    def content(self) -> str:
        """All payloads one behind the other, in a word: the same where only the cuts between packets differ."""
        return self._whole.hexdigest()


def _with_lengths(payload: bytes) -> bytes:
    """NAL units behind start codes (H.264, annex B) as mp4 and Matroska have them: each behind its length."""
    units = _START_CODE.split(payload)[1:]
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def _adts_header(payload: memoryview) -> int:
    """How many bytes of an AAC packet are the header that transport streams need and other containers take off."""
    if len(payload) <= _ADTS_CHECKED or payload[0] != 0xFF or payload[1] & 0xF6 != 0xF0:
        return 0
    return _ADTS if payload[1] & 1 else _ADTS_CHECKED

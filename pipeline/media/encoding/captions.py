"""Closed captions (CEA-608 and 708) in encoded video: SEI messages of H.264 and H.265, after ATSC A/53, part 4.

They are written into the encoders' packets, so that every encoder carries them, also several in parallel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.media.encoding.codecs import codec_of
from pipeline.media.reading.source import Packet

# user_data_registered_itu_t_t35: the country USA, the provider ATSC, its identifier, and the type "cc_data".
_HEAD = b"\xb5\x00\x31GA94\x03"
_PROCESS_CC_DATA, _MAX_CONSTRUCTS, _EM_DATA, _MARKER = 0x40, 0x1F, b"\x00", b"\xff"
_REGISTERED, _TRAILING_BITS = 4, b"\x80"  # the type of such an SEI message, and the end of its NAL unit
_SEI_HEADERS = {"h264": b"\x06", "hevc": b"\x4e\x01"}  # of a NAL unit: SEI, prefix SEI of the base layer
_START_CODE = re.compile(b"\0\0\1")
_LENGTH_BYTES = 4  # of the size before a NAL unit in packets without start codes


class CaptionTrack:
    """The captions of frames that are being encoded, by their time.

    Attributes:
        dropped: Number of frames whose captions the output does not carry.
    """

    def __init__(self, encoder: str, time_base: Fraction, shift: Fraction) -> None:
        """Carry captions from frames to packets.

        Args:
            encoder: FFmpeg's name of the encoder.
            time_base: The time base of the frames' pts, in seconds.
            shift: Added to their times by the encoder, in seconds.
        """
        codec = codec_of(encoder)
        self.codec = codec.name
        self.dropped = 0
        self._is_carried = codec.captions
        self._time_base = time_base
        self._shift = round(shift / time_base)
        self._waiting: dict[Fraction, bytes] = {}

    def around(self, encoder: Stage[Any, Any]) -> tuple[Stage[Any, Any], ...]:
        """Return `encoder` with the stages before and behind it that carry the captions."""
        return RecordCaptions(self), encoder, InsertCaptions(self)

    @property
    def remarks(self) -> Iterator[str]:
        """A line for users if captions are dropped."""
        if self.dropped:
            reason = f"{self.codec} does not carry them; H.264 and H.265 do"
            if self._is_carried:
                reason = "packets have other times than their frames: please report it"
            yield f"closed captions of {self.dropped} frames dropped: {reason}"

    def add(self, frame: Frame) -> None:
        """Add the captions of a frame that is about to be encoded."""
        if frame.captions:
            self.dropped += 1
            if self._is_carried:
                self._waiting[(frame.pts + self._shift) * self._time_base] = frame.captions

    def insert(self, packet: Packet) -> Packet:
        """Return the encoded `packet`, with the captions of its frame."""
        time = None if packet.pts is None else Fraction(packet.pts * packet.time_base)
        captions = self._waiting.pop(time, b"") if time is not None else b""
        if not captions:
            return packet
        self.dropped -= 1
        return _with_content(packet, insert_sei(bytes(packet), self.codec, sei_unit(self.codec, captions)))


class RecordCaptions(Stage["Frame | Packet", "Frame | Packet"]):
    """Adds the captions of frames to a track; everything is passed along."""

    def __init__(self, track: CaptionTrack) -> None:
        self._track = track

    def feed(self, item: Frame | Packet) -> Iterator[Frame | Packet]:
        if isinstance(item, Frame):
            self._track.add(item)
        yield item


class InsertCaptions(Stage[Packet, Packet]):
    """Inserts the captions of a track into encoded packets; packets of other streams are passed along."""

    def __init__(self, track: CaptionTrack) -> None:
        self._track = track

    def feed(self, item: Packet) -> Iterator[Packet]:
        yield self._track.insert(item) if item.stream is None else item


def sei_unit(codec: str, captions: bytes) -> bytes:
    """Return the NAL unit, without a start code, of an SEI message with `captions`.

    Args:
        codec: "h264" or "hevc".
        captions: Constructs of three bytes; more than 31 can't be expressed, and are left out.
    """
    constructs = captions[: 3 * _MAX_CONSTRUCTS]
    flags = _PROCESS_CC_DATA | len(constructs) // 3
    payload = _HEAD + bytes([flags]) + _EM_DATA + constructs + _MARKER
    size = b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255])
    return _SEI_HEADERS[codec] + _escape(bytes([_REGISTERED]) + size + payload) + _TRAILING_BITS


def insert_sei(content: bytes, codec: str, unit: bytes) -> bytes:
    """Return the access unit `content` with the NAL unit `unit` before its first slice.

    Args:
        content: With start codes, as in H.264's annex B, or with the length before each NAL unit.
        codec: "h264" or "hevc".
        unit: Without a start code.
    """
    if content.startswith((b"\0\0\1", b"\0\0\0\1")):
        starts = (match.start() for match in _START_CODE.finditer(content))
        first = next((at for at in starts if _is_slice(codec, content[at + 3])), len(content))
        return content[:first] + b"\0\0\1" + unit + content[first:]
    at = 0
    while at + _LENGTH_BYTES < len(content) and not _is_slice(codec, content[at + _LENGTH_BYTES]):
        at += _LENGTH_BYTES + int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
    return content[:at] + len(unit).to_bytes(_LENGTH_BYTES, "big") + unit + content[at:]


def _is_slice(codec: str, header: int) -> bool:
    """Return True if a NAL unit with this first byte is part of a frame (H.264, table 7-1; H.265, table 7-1)."""
    return 1 <= header & 0x1F <= 5 if codec == "h264" else (header >> 1 & 0x3F) < 32


def _escape(payload: bytes) -> bytes:
    """Insert the bytes 3 that keep start codes out of a NAL unit (H.264, 7.4.1)."""
    escaped = bytearray()
    for byte in payload:
        if byte <= 3 and escaped.endswith(b"\0\0"):
            escaped.append(3)
        escaped.append(byte)
    return bytes(escaped)


def _with_content(packet: Packet, content: bytes) -> Packet:
    """Return a packet with other content, and the times and flags of `packet`."""
    changed: Packet = av.Packet(content)
    changed.pts, changed.dts, changed.duration = packet.pts, packet.dts, packet.duration
    changed.time_base, changed.is_keyframe = packet.time_base, packet.is_keyframe
    for side_data in packet.iter_sidedata():
        changed.set_sidedata(side_data)
    return changed

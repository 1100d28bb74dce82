"""Recognises encrypted video, which FFmpeg decodes to noise or not at all."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.errors import InputError
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import demux
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.source import Packet

_COMMON_ENCRYPTION: Final = "encryption_info"  # FFmpeg's side data of packets that are encrypted after ISO/IEC 23001-7
_MATROSKA_KEY = "enc_key_id"  # FFmpeg's tag of a track whose content is encrypted (RFC 9559, 5.1.4.1.31)
_FAIRPLAY = "drmi"  # the sample entry of video in FairPlay
# Objects in the header of ASF: Content Encryption, Extended Content Encryption (ASF specification, 3.14 and 3.15).
_ASF_OBJECTS = (
    bytes.fromhex("fbb31122 23bd d211 b4b7 00a0c955fc6e"),
    bytes.fromhex("14e68a29 2226 174c b935 dae07ee9289c"),
)
_SCANNED = 4 * 2**20  # bytes at the beginning of a file
_TS_PACKET, _TS_SYNC = 188, 0x47
_PES_START, _MPEG2_PES = b"\x00\x00\x01", 0x80


def refuse_encrypted_file(path: Path, container: InputContainer, stream: VideoStream) -> None:
    """Raise InputError if `stream` is encrypted according to the headers of its file."""
    if _MATROSKA_KEY in stream.metadata:
        raise _error(path, "Matroska's encryption")
    if stream.codec_context.codec_tag == _FAIRPLAY:
        raise _error(path, "FairPlay")
    if container.format.name == "asf" and any(guid in _head(path) for guid in _ASF_OBJECTS):
        raise _error(path, "Windows Media DRM")


def refuse_undecodable_file(path: Path, container: InputContainer, stream: VideoStream) -> None:
    """Raise InputError if `stream`, of which no frame can be decoded, is encrypted by its packets.

    Those of broadcasts and DVDs are marked as scrambled. That alone is no proof, as some tools that descramble leave
    the marks.
    """
    with demux(container, stream) as packets:
        for packet in itertools.islice(packets, 1):
            refuse_encrypted_packet(path, packet)
    if container.format.name == "mpegts" and _is_mostly(scrambled_ts_packets(_head(path), stream.id)):
        raise _error(path, "a scrambled broadcast")
    if container.format.name == "mpeg" and _is_mostly(scrambled_pes_packets(_head(path), stream.id)):
        raise _error(path, "a DVD's CSS")


def refuse_encrypted_packet(path: Path, packet: Packet) -> None:
    """Raise InputError if `packet`, of the video, is encrypted after Common Encryption, as mp4 files of DASH are."""
    if packet.has_sidedata(_COMMON_ENCRYPTION):
        raise _error(path, "Common Encryption")


def scrambled_ts_packets(content: bytes, pid: int) -> tuple[int, int]:
    """Count the packets of a transport stream (ISO/IEC 13818-1, 2.4.3) with that PID, 188 bytes each.

    Returns:
        The number of those whose transport_scrambling_control is not 0, and of all.
    """
    flags = [
        content[at + 3] >> 6
        for at in range(0, len(content) - 3, _TS_PACKET)
        if content[at] == _TS_SYNC and (content[at + 1] & 0x1F) << 8 | content[at + 2] == pid
    ]
    return sum(map(bool, flags)), len(flags)


def scrambled_pes_packets(content: bytes, stream_id: int) -> tuple[int, int]:
    """Count the PES packets of a program stream (ISO/IEC 13818-1, 2.4.3.6) with that stream_id.

    Returns:
        The number of those whose PES_scrambling_control is not 0, and of all.
    """
    start, scrambled, count, at = _PES_START + bytes([stream_id & 0xFF]), 0, 0, 0
    while (at := content.find(start, at)) >= 0 and at + 6 < len(content):
        if content[at + 6] & 0xC0 == _MPEG2_PES:
            count += 1
            scrambled += bool(content[at + 6] & 0x30)
        at += len(start)
    return scrambled, count


def _is_mostly(counts: tuple[int, int]) -> bool:
    """Return True for more than half: a recording's first second may be scrambled, and plain after it."""
    scrambled, count = counts
    return scrambled * 2 > count


def _head(path: Path) -> bytes:
    """The first megabytes of a file; nothing of a pipe, which can be read once."""
    if is_pipe(path):
        return b""
    with translate_read_errors(path), path.open("rb") as file:
        return file.read(_SCANNED)


def _error(path: Path, scheme: str) -> InputError:
    advice = "uprez has no key: give it a file without encryption"
    return InputError(f"{path}: its video is encrypted ({scheme}), and {advice}")

"""The parsers that read bytes from outside, each as a function that may raise only what its callers expect."""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from pipeline.config.address import Address
from pipeline.config.encoder_files import find_file_option
from pipeline.config.live_settings import LiveSettings
from pipeline.config.redaction import redact_logins
from pipeline.config.settings import Settings
from pipeline.errors import ModelError, SettingsError
from pipeline.live.process import wire
from pipeline.live.process.messages import ConnectionOpened, SerializedPacket, StreamHeader
from pipeline.media.decoding.random_access import header_parser
from pipeline.media.reading.animation import read_play_count
from pipeline.media.reading.matroska import find_segment_end, read_element
from pipeline.media.reading.png_chunks import without_bombs
from pipeline.media.reading.text_tags import decode_text
from pipeline.media.reading.truncation import missing_bytes, missing_bytes_of_pipe
from pipeline.media.writing.ebml import parse_elements
from pipeline.media.writing.matroska_chapters import chapter_tree, read_rich_chapters
from pipeline.models.ncnn.param_file import parse_param_file
from pipeline.models.ncnn.weights_file import WeightsReader

CONTAINERS = ("mov", "matroska", "mpegts", "avi", "asf", "gif", "ogg", "webm", "mpeg", "flv")
CODECS = ("h264", "hevc", "mpeg2video", "vp9", "av1")
FOLDER = Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        parse: Parses any bytes; an exception that its callers don't expect is a finding.
        seeds: Valid inputs, which are mutated.
    """

    parse: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _file(data: bytes, suffix: str = "") -> Path:
    path = FOLDER / f"uprez-fuzz{suffix}"
    path.write_bytes(data)
    return path


def _ebml(data: bytes) -> None:
    for each in parse_elements(data):
        assert each.coded.endswith(each.content)
    read_element(io.BytesIO(data), 0)
    find_segment_end(io.BytesIO(data), len(data))


def _chapters(data: bytes) -> None:
    chapters = read_rich_chapters(_file(data))
    chapter_tree(data if chapters is None else chapters)


def _ends(data: bytes) -> None:
    path = _file(data)
    for container in CONTAINERS:
        assert missing_bytes(path, container) >= 0
        assert missing_bytes_of_pipe(data, len(data), container) >= 0
    read_play_count(path)


def _png(data: bytes) -> None:
    assert len(without_bombs(data)) <= len(data)


def _messages(data: bytes) -> None:
    with contextlib.suppress(ValueError, EOFError):
        wire.read(io.BytesIO(data))


def _config(data: bytes) -> None:
    for suffix in (".yaml", ".toml"):
        path = _file(data, suffix)
        for load in (Settings.load, LiveSettings.load):
            with contextlib.suppress(SettingsError):
                load(path)


def _text(data: bytes) -> None:
    text = decode_text(data.decode(errors="surrogateescape"))
    redact_logins(text)
    find_file_option({"x264-params": text, text: text})
    with contextlib.suppress(SettingsError):
        address = Address(text)
        address.redact(text)


def _access_points(data: bytes) -> None:
    if not data:
        return
    packet: Any = av.Packet(data[1:] or b"\0")
    extradata = data[:40] if data[0] & 0x80 else None
    parse = header_parser(CODECS[data[0] % len(CODECS)], extradata)
    assert parse
    parse(packet)


def _ncnn(data: bytes) -> None:
    with contextlib.suppress(ModelError):
        parse_param_file(data)
    with contextlib.suppress(ModelError):
        reader = WeightsReader(data)
        reader.tagged(len(data) % 7)
        reader.plain(len(data) % 5)
        reader.finish()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


_BOXES = struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\0\0") + struct.pack(">I4sQ", 1, b"mdat", 24) + bytes(8)
_PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"acTL", bytes(8))
    + _chunk(b"zTXt", b"k\0\0" + zlib.compress(b"t"))
    + _chunk(b"IEND", b"")
)
_PACKET = SerializedPacket(0, b"data", 1, None, 1, True, 0.5, extradata=b"e")
_OPENED = ConnectionOpened(StreamHeader(b"nut", (None,)), ("note",))

_EBML = bytes([0x1A, 0x45, 0xDF, 0xA3, 0x80])
_CHAPTERS = bytes.fromhex("1043a770 90 45b9 8d b6 86 73c4 81 01 91 80 b6 83 91 81 05")
_NESTED = bytes.fromhex("18538067 ff") + _CHAPTERS

TARGETS: dict[str, Target] = {
    "chapters": Target(
        _chapters, (_EBML + _NESTED, _CHAPTERS, bytes.fromhex("1a45dfa380 18538067 01fffffffffffffe ec 80"))
    ),
    "ebml": Target(_ebml, (b"\x1a\x45\xdf\xa3\x88matroska\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",)),
    "ends": Target(
        _ends, (_BOXES, b"RIFF\x10\0\0\0AVI LIST", b"GIF89a" + bytes(20), b"OggS" + bytes(40), b"G" + bytes(187))
    ),
    "png": Target(_png, (_PNG,)),
    "messages": Target(_messages, (wire.encode(_PACKET), wire.encode(_OPENED))),
    "config": Target(
        _config,
        (b"crf: 20\noptions: {bf: 3}\n", b"streams: [{source: 'udp://h:1', to: a.mkv}]\n", b"a: &a [1]\nb: *a\n"),
    ),
    "text": Target(
        _text, (b"rtsp://user:pw@host:554/path?token=1#f", b"stats=/tmp/a:bf=3", b"${HOME}/x", b"title \xe8")
    ),
    "access points": Target(
        _access_points,
        (
            b"\0\0\0\1\x67\x42\0\0\0\1\x65",
            b"\1\0\0\1\x40\1\0\0\1\x26",
            b"\2\0\0\1\xb3\0\0\1\0\0\x08",
            b"\3\x82\x49",
            b"\4\x0a\1\0\x32\1\x10",
        ),
    ),
    "ncnn": Target(
        _ncnn,
        (b"7767517\n2 1\nInput in 0 1 data\nConvolution c 1 1 data out 0=3 1=3\n", struct.pack("<I4f", 0, 1, 2, 3, 4)),
    ),
}

"""The shape of samples in Matroska files, which FFmpeg's muxer takes from a field that PyAV does not set.

It is written into the finished file, whose head, all that lies before the first cluster, is made anew in the same room.
Elements and their IDs are those of RFC 9559, section 5.1, coded as in RFC 8794.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av

from pipeline.media.encoding.encode import VideoEncoding
from pipeline.media.reading.matroska import element_at
from pipeline.media.writing.container import ISO_SUFFIXES

_CLUSTER, _VOID, _CRC = 0x1F43B675, 0xEC, 0xBF
_SEEK_HEAD, _SEEK, _POSITION = 0x114D9B74, 0x4DBB, 0x53AC
_TRACKS, _ENTRY, _VIDEO, _WIDTH, _HEIGHT = 0x1654AE6B, 0xAE, 0xE0, 0xB0, 0xBA
_SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0x54B0, 0x54BA, 0x54B2
_LEAST_VOID = 2  # bytes
_NEAR = 4  # times as large as the picture, at most
_ROOM = 64  # bytes, of which some 30 are needed

SUFFIXES = (".mkv", ".webm")
_TELLING = (".asf", ".wmv", ".ogg", ".ogv", ".mxf", "")  # other files that say it, and y4m
_TELLING_CODECS = ("h264", "hevc", "mpeg4", "mpeg2video", "mjpeg", "png", "apng", "tiff", "gif")  # in any file
ROOM = {"metadata_header_padding": str(_ROOM)}  # what the muxer is told, so that there is room


class _Element(NamedTuple):
    """What it is, what is in it, and the whole of it as it is coded."""

    id: int
    content: bytes
    coded: bytes


def untold_aspect(encoding: VideoEncoding, target: Path) -> str | None:
    """A note where neither codec nor container of `target` can say what shape its samples are."""
    codec, suffix = av.Codec(encoding.codec, "w").canonical_name, target.suffix.lower()
    if encoding.sample_aspect == 1 or codec in _TELLING_CODECS or suffix in (*ISO_SUFFIXES, *SUFFIXES, *_TELLING):
        return None
    shape = f"samples are {encoding.sample_aspect} as wide as high"
    return f"{encoding.codec} in {suffix} can't say that {shape}: players show them square; .mkv can"


def tell_aspect(path: Path, aspect: Fraction) -> bool:
    """Let the Matroska file `path` say that samples of its first track are so wide for their height; False: no room."""
    with path.open("r+b") as file:
        begins, parts = _head(file)
        ids = [part.id for part in parts]
        if ids[:2] != [_SEEK_HEAD, _VOID] or _TRACKS not in ids or ids[-1] != _VOID:
            return False
        at = ids.index(_TRACKS)
        tracks = _changed(parts[at], _ENTRY, lambda entry: _changed(entry, _VIDEO, lambda video: _shown(video, aspect)))
        grown = len(tracks.coded) - len(parts[at].coded)
        behind = range(_length(parts[: at + 1]), _length(parts))
        seeks = _pointing(parts[0], lambda position: position + grown if position in behind else position)
        room = _length(parts[:2]) - len(seeks.coded), len(parts[-1].coded) - grown
        if min(room) < _LEAST_VOID:
            return False
        made = [seeks, _void(room[0]), *parts[2:at], tracks, *parts[at + 1 : -1], _void(room[1])]
        file.seek(begins)
        file.write(b"".join(part.coded for part in made))
    return True


def shown_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size near `width` x `height` that a picture with such samples is shown in, exactly so where one is near."""
    shape = aspect * width / height
    if shape.denominator > _NEAR * height:
        return round(width * aspect), height
    times = max(1, round(Fraction(height, shape.denominator)))
    return times * shape.numerator, times * shape.denominator


def _head(file: BinaryIO) -> tuple[int, list[_Element]]:
    """Where the Segment's content begins, and the elements before its first cluster."""
    ebml = element_at(file, 0)
    segment = element_at(file, ebml[2]) if ebml and ebml[2] else None
    begins = at = segment[1] if segment else 0
    parts: list[_Element] = []
    while (part := element_at(file, at)) and part[0] != _CLUSTER and part[2] is not None:
        file.seek(at)
        parts += _elements(file.read(part[2] - at))
        at = part[2]
    return begins, parts


def _elements(data: bytes) -> list[_Element]:
    """What follows each other in `data`."""
    file, at, found = BytesIO(data), 0, []
    while (part := element_at(file, at)) and part[2] is not None:
        found.append(_Element(part[0], data[part[1] : part[2]], data[at : part[2]]))
        at = part[2]
    return found


def _coded(id: int, content: bytes) -> _Element:
    size = next(width for width in range(1, 9) if len(content) < (1 << 7 * width) - 1)
    length = (1 << 7 * size | len(content)).to_bytes(size, "big")
    return _Element(id, content, _bytes(id) + length + content)


def _bytes(number: int) -> bytes:
    return number.to_bytes(max(1, -(-number.bit_length() // 8)), "big")


def _void(length: int) -> _Element:
    """Nothing, `length` bytes of it."""
    size = 1 if length < _LEAST_VOID + 127 else 8
    content = bytes(length - 1 - size)
    return _Element(_VOID, content, bytes([_VOID]) + (1 << 7 * size | len(content)).to_bytes(size, "big") + content)


def _master(id: int, children: Iterable[_Element]) -> _Element:
    """An element made of `children`, with the checksum that it has if the first of them is one."""
    parts = list(children)
    if parts and parts[0].id == _CRC:
        rest = b"".join(part.coded for part in parts[1:])
        parts[0] = _coded(_CRC, zlib.crc32(rest).to_bytes(4, "little"))
    return _coded(id, b"".join(part.coded for part in parts))


def _changed(master: _Element, id: int, change: Callable[[_Element], _Element]) -> _Element:
    """`master`, the first child of such an ID changed."""
    parts = _elements(master.content)
    at = next(place for place, part in enumerate(parts) if part.id == id)
    return _master(master.id, [*parts[:at], change(parts[at]), *parts[at + 1 :]])


def _shown(video: _Element, aspect: Fraction) -> _Element:
    kept = [part for part in _elements(video.content) if part.id not in (_SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT)]
    sizes = {part.id: int.from_bytes(part.content, "big") for part in kept}
    width, height = shown_size(sizes[_WIDTH], sizes[_HEIGHT], aspect)
    return _master(video.id, [*kept, _coded(_SHOWN_WIDTH, _bytes(width)), _coded(_SHOWN_HEIGHT, _bytes(height))])


def _pointing(seeks: _Element, moved: Callable[[int], int]) -> _Element:
    """A SeekHead, the positions in it `moved`."""

    def change(position: _Element) -> _Element:
        return _coded(_POSITION, _bytes(moved(int.from_bytes(position.content, "big"))))

    parts = _elements(seeks.content)
    return _master(seeks.id, [_changed(part, _POSITION, change) if part.id == _SEEK else part for part in parts])


def _length(parts: list[_Element]) -> int:
    return sum(len(part.coded) for part in parts)

"""The shape of samples in Matroska files, which FFmpeg's muxer takes from a field that PyAV does not set.

It is written into the finished file, whose head, all that lies before the first cluster, is made anew in the same room.
Elements and their IDs are those of RFC 9559, section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from pipeline.media.encoding.codecs import codec_of
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.reading.matroska import read_element
from pipeline.media.writing.container import ISO_SUFFIXES
from pipeline.media.writing.ebml import (
    LEAST_VOID,
    VOID,
    Element,
    changed,
    element,
    elements,
    joined,
    master,
    number,
    void,
)

_CLUSTER = 0x1F43B675
_SEEK_HEAD, _SEEK, _POSITION = 0x114D9B74, 0x4DBB, 0x53AC
_TRACKS, _ENTRY, _VIDEO, _WIDTH, _HEIGHT = 0x1654AE6B, 0xAE, 0xE0, 0xB0, 0xBA
_SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0x54B0, 0x54BA, 0x54B2
_NEAR = 4  # times as large as the picture, at most
_ROOM = 64  # bytes, of which some 30 are needed

SUFFIXES = (".mkv", ".webm")
_TELLING = (".asf", ".wmv", ".ogg", ".ogv", ".mxf", "")  # other files that say it, and y4m
ROOM = {"metadata_header_padding": str(_ROOM)}  # what the muxer is told, so that there is room


def untold_aspect(encoding: VideoEncoding, target: Path) -> str | None:
    """A note where neither codec nor container of `target` can say what shape its samples are."""
    codec, suffix = codec_of(encoding.codec), target.suffix.lower()
    if encoding.sample_aspect == 1 or codec.signals_sample_aspect or suffix in (*ISO_SUFFIXES, *SUFFIXES, *_TELLING):
        return None
    shape = f"samples are {encoding.sample_aspect} as wide as high"
    return f"{encoding.codec} in {suffix} can't say that {shape}: players show them square; .mkv can"


def tell_aspect(path: Path, aspect: Fraction) -> bool:
    """Let the Matroska file `path` say that samples of its first track are so wide for their height; False: no room."""
    with path.open("r+b") as file:
        begins, parts = _head(file)
        ids = [part.id for part in parts]
        if ids[:2] != [_SEEK_HEAD, VOID] or _TRACKS not in ids or ids[-1] != VOID:
            return False
        at = ids.index(_TRACKS)
        tracks = changed(parts[at], _ENTRY, lambda entry: changed(entry, _VIDEO, lambda video: _shown(video, aspect)))
        grown = len(tracks.coded) - len(parts[at].coded)
        behind = range(len(joined(parts[: at + 1])), len(joined(parts)))
        seeks = _pointing(parts[0], lambda position: position + grown if position in behind else position)
        room = len(joined(parts[:2])) - len(seeks.coded), len(parts[-1].coded) - grown
        if min(room) < LEAST_VOID:
            return False
        made = [seeks, void(room[0]), *parts[2:at], tracks, *parts[at + 1 : -1], void(room[1])]
        file.seek(begins)
        file.write(joined(made))
    return True


def shown_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size near `width` x `height` that a picture with such samples is shown in, exactly so where one is near."""
    shape = aspect * width / height
    if shape.denominator > _NEAR * height:
        return round(width * aspect), height
    times = max(1, round(Fraction(height, shape.denominator)))
    return times * shape.numerator, times * shape.denominator


def _head(file: BinaryIO) -> tuple[int, list[Element]]:
    """Where the Segment's content begins, and the elements before its first cluster."""
    ebml = read_element(file, 0)
    segment = read_element(file, ebml[2]) if ebml and ebml[2] else None
    begins = at = segment[1] if segment else 0
    parts: list[Element] = []
    while (part := read_element(file, at)) and part[0] != _CLUSTER and part[2] is not None:
        file.seek(at)
        parts += elements(file.read(part[2] - at))
        at = part[2]
    return begins, parts


def _shown(video: Element, aspect: Fraction) -> Element:
    kept = [part for part in elements(video.content) if part.id not in (_SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT)]
    sizes = {part.id: int.from_bytes(part.content, "big") for part in kept}
    width, height = shown_size(sizes[_WIDTH], sizes[_HEIGHT], aspect)
    return master(video.id, [*kept, element(_SHOWN_WIDTH, number(width)), element(_SHOWN_HEIGHT, number(height))])


def _pointing(seeks: Element, moved: Callable[[int], int]) -> Element:
    """A SeekHead, the positions in it `moved`."""

    def change(position: Element) -> Element:
        return element(_POSITION, number(moved(int.from_bytes(position.content, "big"))))

    parts = elements(seeks.content)
    return master(seeks.id, [changed(part, _POSITION, change) if part.id == _SEEK else part for part in parts])

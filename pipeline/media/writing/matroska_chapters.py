"""Matroska's own chapters: nested, hidden, ordered, in several languages and editions (RFC 9559, section 5.1.7).

FFmpeg knows a flat list of chapters with one title each. So the source's element is copied as it is: it is appended to
the finished file, and listed in its SeekHead, in the free space that FFmpeg's muxer leaves behind that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

from av.container import OutputContainer

from pipeline.media.reading.matroska import ElementHeader, read_element
from pipeline.media.reading.source import Source
from pipeline.media.writing.container_support import container_spec
from pipeline.media.writing.ebml import (
    MIN_VOID_BYTES,
    VOID,
    Element,
    element,
    master,
    number,
    parse_elements,
    void,
)

_EBML, _SEGMENT, _SEEK_HEAD = 0x1A45DFA3, 0x18538067, 0x114D9B74
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_CHAPTERS, _EDITION, _ATOM, _DISPLAY = 0x1043A770, 0x45B9, 0xB6, 0x80
_EDITION_UID, _EDITION_DEFAULT, _ATOM_UID, _STRING_UID = 0x45BC, 0x45DB, 0x73C4, 0x5654
_START, _END = 0x91, 0x92
_PLAIN_EDITION = {_EDITION_UID, _EDITION_DEFAULT, _ATOM}
_PLAIN_ATOM = {_ATOM_UID, _STRING_UID, _START, _END, _DISPLAY}
_DEFAULT_CONTENTS = {0x98: b"\0", 0x4598: b"\1", 0x45BD: b"\0", 0x45DD: b"\0"}  # not hidden, enabled, not ordered
_SIZE_BYTES = 8  # of the Segment's size, as FFmpeg's muxer writes it
_MAX_DEPTH = 64  # of nested chapters that are compared one by one
_MAX_BYTES = 16 << 20  # of chapters; more are not plausible


def read_rich_chapters(path: Path) -> bytes | None:
    """Return the Chapters element of a Matroska file if FFmpeg's list of chapters can't express it, else None."""
    with path.open("rb") as file:
        found = _find(file, _CHAPTERS)
        if found is None or found.end is None or found.end - found.content > _MAX_BYTES:
            return None
        file.seek(found.content)
        content = file.read(found.end - found.content)
    return element(_CHAPTERS, content).coded if _is_rich(content) else None


def plan_chapters(container: OutputContainer, source: Source, is_moved: bool) -> tuple[bytes | None, list[str]]:
    """Decide how rich chapters of a Matroska source get into the output.

    Args:
        container: The output, whose chapters are set and whose header is not yet written.
        source: The source, open.
        is_moved: The output has another clock, or a part of the source only.

    Returns:
        What is to be appended to the finished file, None for nothing; and a note if the chapters are simplified.
    """
    chapters = read_rich_chapters(source.path) if source.path.is_file() else None  # none of a pipe, or of images
    if chapters is None:
        return None, []
    if container_spec(container.format.name).matroska and not is_moved:
        container.set_chapters([])
        return chapters, []
    reason = "in an excerpt" if is_moved else f"in {container.format.name}; .mkv has them all"
    return None, [f"nested, hidden or ordered chapters and further languages or editions become a flat list {reason}"]


def append_chapters(path: Path, chapters: bytes) -> bool:
    """Append `chapters`, an element, to the finished Matroska file `path`, which has none.

    Returns:
        False if its SeekHead has no room for one more entry; the file is then unchanged.
    """
    with path.open("r+b") as file:
        segment, size = _segment(file), file.seek(0, os.SEEK_END)
        if segment is None or segment.end != size:
            return False
        seeks, free = (_read(file, at) for at in (segment.content, _end(file, segment.content)))
        if seeks is None or free is None or (seeks.id, free.id) != (_SEEK_HEAD, VOID):
            return False
        position = element(_SEEK_POSITION, number(size - segment.content))
        entry = master(_SEEK, [element(_SEEK_ID, number(_CHAPTERS)), position])
        listed = master(_SEEK_HEAD, [*parse_elements(seeks.content), entry])
        left = len(seeks.coded) + len(free.coded) - len(listed.coded)
        if left < MIN_VOID_BYTES:
            return False
        file.seek(size)
        file.write(chapters)
        file.seek(segment.content - _SIZE_BYTES)
        length = size + len(chapters) - segment.content
        file.write((1 << 7 * _SIZE_BYTES | length).to_bytes(_SIZE_BYTES, "big"))
        file.write(listed.coded + void(left).coded)
    return True


def chapter_tree(coded: bytes) -> list[Any]:
    """Return the chapters in an element as nested lists, without what has no meaning, to compare them."""
    return [_tree(part) for part in parse_elements(coded)]


def _tree(part: Element, depth: int = 0) -> Any:
    if part.id in (_CHAPTERS, _EDITION, _ATOM, _DISPLAY) and depth < _MAX_DEPTH:
        return part.id, [
            _tree(child, depth + 1) for child in parse_elements(part.content) if child.id not in (VOID, 0xBF)
        ]
    return part.id, part.content


def _is_rich(content: bytes) -> bool:
    editions = [part for part in parse_elements(content) if part.id == _EDITION]
    return len(editions) > 1 or any(_is_rich_edition(edition.content) for edition in editions)


def _is_rich_edition(content: bytes) -> bool:
    parts = parse_elements(content)
    atoms = [parse_elements(part.content) for part in parts if part.id == _ATOM]
    texts = [[part.id for part in atom].count(_DISPLAY) for atom in atoms]
    return (
        any(count > 1 for count in texts)
        or any(_is_rich_part(part, _PLAIN_EDITION) for part in parts)
        or any(_is_rich_part(part, _PLAIN_ATOM) for atom in atoms for part in atom)
    )


def _is_rich_part(part: Element, plain: set[int]) -> bool:
    return part.id not in plain | {VOID, 0xBF} and part.content != _DEFAULT_CONTENTS.get(part.id)


def _segment(file: BinaryIO) -> ElementHeader | None:
    head = read_element(file, 0)
    segment = read_element(file, head.end) if head and head.id == _EBML and head.end else None
    return segment if segment and segment.id == _SEGMENT else None


def _find(file: BinaryIO, id: int) -> ElementHeader | None:
    """Return the header of the first child of the Segment with that ID."""
    segment = _segment(file)
    at = segment.content if segment else None
    while at is not None and (header := read_element(file, at)):
        if header.id == id:
            return header
        at = header.end
    return None


def _read(file: BinaryIO, at: int) -> Element | None:
    file.seek(at)
    header = read_element(file, at)
    if header is None or header.end is None:
        return None
    file.seek(at)
    return parse_elements(file.read(header.end - at))[0]


def _end(file: BinaryIO, at: int) -> int:
    header = read_element(file, at)
    return header.end if header and header.end else at

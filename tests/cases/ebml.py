"""Changes the heads of Matroska files: elements that FFmpeg's muxer does not write (RFC 8794 and 9559)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

SEGMENT, SEEK_HEAD, VOID, CUES = 0x18538067, 0x114D9B74, 0xEC, 0x1C53BB6B
TRACKS, ENTRY, VIDEO = 0x1654AE6B, 0xAE, 0xE0
CROP_BOTTOM, CROP_TOP, CROP_LEFT, CROP_RIGHT = 0x54AA, 0x54BB, 0x54CC, 0x54DD
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
STEREO_MODE, PROJECTION, PROJECTION_TYPE, PROJECTION_PRIVATE, YAW = 0x53B8, 0x7670, 0x7671, 0x7672, 0x7673

CHAPTERS, EDITION, ATOM, DISPLAY = 0x1043A770, 0x45B9, 0xB6, 0x80
EDITION_UID, EDITION_DEFAULT, EDITION_ORDERED = 0x45BC, 0x45DB, 0x45DD
CHAPTER_UID, CHAPTER_START, CHAPTER_END, CHAPTER_HIDDEN = 0x73C4, 0x91, 0x92, 0x98
CHAPTER_TITLE, CHAPTER_LANGUAGE, CHAPTER_BCP47 = 0x85, 0x437C, 0x437D

Content = bytes | int | str | list[tuple[int, "Content"]]


def element(id: int, content: Content) -> bytes:
    """Makes an element of bytes, of a number, of a text, or of other elements; its size takes eight bytes."""
    payload = _payload(content)
    return _id(id) + (1 << 56 | len(payload)).to_bytes(8, "big") + payload


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields ID and content of consecutive elements, whose sizes are known."""
    at = 0
    while at < len(data):
        id, width = _number(data, at, keep_marker=True)
        size, size_width = _number(data, at + width, keep_marker=False)
        at += width + size_width
        yield id, data[at : at + size]
        at += size


def segment_child(path: Path, id: int) -> bytes:
    """Returns the content of the first element with that ID in the Segment of `path`; empty if there is none."""
    return next((part for found, part in elements(dict(elements(path.read_bytes()))[SEGMENT]) if found == id), b"")


def change_segment(path: Path, changed: dict[int, bytes]) -> None:
    """Replaces elements of the Segment of `path`, or adds them in front of the clusters; drops both indices."""
    (head, head_content), (_, content) = elements(path.read_bytes())
    kept = [(id, part) for id, part in elements(content) if id not in (SEEK_HEAD, CUES, VOID, *changed)]
    info, *others = kept
    parts = [info, *changed.items(), *others]
    path.write_bytes(element(head, head_content) + element(SEGMENT, b"".join(element(*part) for part in parts)))


def change_video(path: Path, changed: Mapping[int, Content], removed: tuple[int, ...] = ()) -> None:
    """Replaces, adds and removes elements of the Video element of the only track of `path`."""
    segment = dict(elements(dict(elements(path.read_bytes()))[SEGMENT]))
    entry = dict(elements(dict(elements(segment[TRACKS]))[ENTRY]))
    video = {id: part for id, part in elements(entry[VIDEO]) if id not in removed}
    entry[VIDEO] = b"".join(element(id, part) for id, part in {**video, **changed}.items())
    change_segment(path, {TRACKS: element(ENTRY, b"".join(element(*part) for part in entry.items()))})


def _payload(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, int):
        return content.to_bytes(max(1, -(-content.bit_length() // 8)), "big")
    return b"".join(element(id, part) for id, part in content)


def _id(id: int) -> bytes:
    return id.to_bytes(-(-id.bit_length() // 8), "big")


def _number(data: bytes, at: int, keep_marker: bool) -> tuple[int, int]:
    """The variable-size integer at `at`, and its width in bytes."""
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big")
    return value if keep_marker else value & ((1 << 7 * width) - 1), width

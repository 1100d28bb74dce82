"""EBML, the format of Matroska files (RFC 8794): parses elements, and writes them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import NamedTuple

from pipeline.media.reading.matroska import read_element

VOID, _CRC = 0xEC, 0xBF
MIN_VOID_BYTES = 2
_ONE_BYTE = 127  # shorter contents have their size in one byte


class Element(NamedTuple):
    """An EBML element.

    Attributes:
        id: Element ID, with its marker bits.
        content: Payload.
        coded: The complete element: ID, size and payload.
    """

    id: int
    content: bytes
    coded: bytes


def parse_elements(data: bytes) -> list[Element]:
    """Return the consecutive elements in `data`."""
    file, at, found = BytesIO(data), 0, []
    while (header := read_element(file, at)) and header.end is not None:
        found.append(Element(header.id, data[header.content : header.end], data[at : header.end]))
        at = header.end
    return found


def element(id: int, content: bytes) -> Element:
    """Return an element whose size field is as short as possible."""
    width = next(width for width in range(1, 9) if len(content) < (1 << 7 * width) - 1)
    return _element(id, content, width)


def void(length: int) -> Element:
    """Return a Void element of `length` bytes in all, MIN_VOID_BYTES at least."""
    width = 1 if length < MIN_VOID_BYTES + _ONE_BYTE else 8
    return _element(VOID, bytes(length - 1 - width), width)


def master(id: int, children: Iterable[Element]) -> Element:
    """Return an element of `children`; if the first is a checksum, it is computed."""
    parts = list(children)
    if parts and parts[0].id == _CRC:
        parts[0] = element(_CRC, zlib.crc32(concatenate(parts[1:])).to_bytes(4, "little"))
    return element(id, concatenate(parts))


def replace_child(parent: Element, id: int, change: Callable[[Element], Element]) -> Element:
    """Return `parent` with its first child of this ID replaced by `change` of it. Raises ValueError if it has none."""
    parts = parse_elements(parent.content)
    at = [part.id for part in parts].index(id)
    return master(parent.id, [*parts[:at], change(parts[at]), *parts[at + 1 :]])


def concatenate(parts: Iterable[Element]) -> bytes:
    """Return the bytes of consecutive elements."""
    return b"".join(part.coded for part in parts)


def number(value: int) -> bytes:
    """Return an unsigned integer in as few bytes as possible, one at least."""
    return value.to_bytes(max(1, -(-value.bit_length() // 8)), "big")


def _element(id: int, content: bytes, width: int) -> Element:
    """Return an element whose size field has `width` bytes."""
    size = (1 << 7 * width | len(content)).to_bytes(width, "big")
    return Element(id, content, number(id) + size + content)

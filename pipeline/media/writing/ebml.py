"""EBML, which Matroska files are made of (RFC 8794): elements read out of bytes, and made anew."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import NamedTuple

from pipeline.media.reading.matroska import read_element

VOID, _CRC = 0xEC, 0xBF
LEAST_VOID = 2  # bytes
_ONE_BYTE = 127  # contents shorter than this have their size in one


class Element(NamedTuple):
    """What it is, what is in it, and the whole of it as it is coded."""

    id: int
    content: bytes
    coded: bytes


def elements(data: bytes) -> list[Element]:
    """What follows each other in `data`."""
    file, at, found = BytesIO(data), 0, []
    while (part := read_element(file, at)) and part[2] is not None:
        found.append(Element(part[0], data[part[1] : part[2]], data[at : part[2]]))
        at = part[2]
    return found


def element(id: int, content: bytes) -> Element:
    """An element, its size in as few bytes as can be."""
    width = next(width for width in range(1, 9) if len(content) < (1 << 7 * width) - 1)
    return _sized(id, content, width)


def void(length: int) -> Element:
    """Nothing, `length` bytes of it, LEAST_VOID at least."""
    width = 1 if length < LEAST_VOID + _ONE_BYTE else 8
    return _sized(VOID, bytes(length - 1 - width), width)


def master(id: int, children: Iterable[Element]) -> Element:
    """An element made of `children`, with the checksum that it has if the first of them is one."""
    parts = list(children)
    if parts and parts[0].id == _CRC:
        parts[0] = element(_CRC, zlib.crc32(joined(parts[1:])).to_bytes(4, "little"))
    return element(id, joined(parts))


def changed(parent: Element, id: int, change: Callable[[Element], Element]) -> Element:
    """`parent`, the first child of such an ID changed."""
    parts = elements(parent.content)
    at = [part.id for part in parts].index(id)
    return master(parent.id, [*parts[:at], change(parts[at]), *parts[at + 1 :]])


def joined(parts: Iterable[Element]) -> bytes:
    """Elements one behind the other."""
    return b"".join(part.coded for part in parts)


def number(value: int) -> bytes:
    """A whole number in as few bytes as can be."""
    return value.to_bytes(max(1, -(-value.bit_length() // 8)), "big")


def _sized(id: int, content: bytes, width: int) -> Element:
    size = (1 << 7 * width | len(content)).to_bytes(width, "big")
    return Element(id, content, number(id) + size + content)

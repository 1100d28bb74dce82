"""PNG files whose text or profile would fill the memory are read without it."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading.png_chunks import without_bombs

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BOMB = zlib.compress(bytes(17 << 20), 9)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"key\0\0"), (b"iCCP", b"name\0\0"), (b"iTXt", b"key\0\1\0en\0translated\0")]
)
def test_a_chunk_that_unpacks_to_more_than_is_allowed_is_removed(kind: bytes, head: bytes) -> None:
    before, after = chunk(b"IHDR", bytes(13)), chunk(b"IDAT", b"pixels") + chunk(b"IEND", b"")
    small = chunk(kind, head + zlib.compress(b"text"))
    data = SIGNATURE + before + small + chunk(kind, head + BOMB) + after
    assert without_bombs(data) == SIGNATURE + before + small + after


def test_a_chunk_without_a_keyword_is_unchanged() -> None:
    data = SIGNATURE + chunk(b"zTXt", b"k")
    assert without_bombs(data) == data


@given(st.binary(max_size=200))
def test_any_other_content_is_unchanged(data: bytes) -> None:
    assert without_bombs(data) == data
    assert without_bombs(SIGNATURE + data) == SIGNATURE + data

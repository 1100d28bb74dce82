import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.writing.ebml import (
    MIN_VOID_BYTES,
    Element,
    concatenate,
    element,
    master,
    parse_elements,
    replace_child,
    void,
)

CRC, PARENT, NAME = 0xBF, 0xAE, 0x536E

contents = st.binary(max_size=300)


@given(parts=st.lists(st.tuples(st.sampled_from([0x80, NAME, 0x1654AE6B]), contents), max_size=6))
def test_elements_are_parsed_as_they_were_written(parts: list[tuple[int, bytes]]) -> None:
    elements = [element(id, content) for id, content in parts]
    assert parse_elements(concatenate(elements)) == elements


@given(length=st.integers(MIN_VOID_BYTES, 400))
def test_a_void_element_has_the_requested_length(length: int) -> None:
    (read,) = parse_elements(void(length).coded)
    assert len(read.coded) == length
    assert not any(read.content)


@given(before=contents, after=contents)
def test_replacing_a_child_updates_the_parents_checksum(before: bytes, after: bytes) -> None:
    parent = master(PARENT, [element(CRC, b""), element(0x80, b"first"), element(NAME, before)])
    checksum, *children = parse_elements(replace_child(parent, NAME, lambda _: element(NAME, after)).content)
    assert [child.content for child in children] == [b"first", after]
    assert checksum == Element(CRC, zlib.crc32(concatenate(children)).to_bytes(4, "little"), checksum.coded)


def test_replacing_a_missing_child_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in list"):
        replace_child(element(PARENT, b""), NAME, lambda child: child)

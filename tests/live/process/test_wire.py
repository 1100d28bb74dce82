"""Messages from children: what was sent is read, and anything else is refused without being executed."""

import contextlib
import io
import json
import pickle
import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.process.messages import (
    ConnectionLost,
    ConnectionOpened,
    PacketWritten,
    SerializedPacket,
    StreamHeader,
)
from pipeline.live.process.wire import ChildFailure, decode, encode, read

PTS = st.none() | st.integers(-(2**63), 2**63 - 1)
PACKETS = st.builds(
    SerializedPacket,
    st.integers(0, 9),
    st.binary(max_size=50),
    PTS,
    PTS,
    st.integers(0, 2**40),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none() | st.binary(max_size=9),
)
HEADERS = st.builds(StreamHeader, st.binary(max_size=50), st.lists(st.none() | st.fractions()).map(tuple))
MESSAGES = st.one_of(
    PACKETS,
    st.builds(ConnectionOpened, st.none() | HEADERS, st.lists(st.text()).map(tuple)),
    st.builds(ConnectionLost, st.sampled_from(["refused", "ended"]), st.text()),
    st.builds(PacketWritten, st.booleans()),
    st.builds(ChildFailure, st.text()),
)


def content(kind: str, fields: Any) -> bytes:
    return json.dumps({"kind": kind, "fields": fields}).encode()


@given(MESSAGES)
def test_a_message_is_read_as_it_was_sent(message: Any) -> None:
    stream = io.BytesIO(encode(message) * 2)
    assert [read(stream), read(stream)] == [message, message]
    with pytest.raises(EOFError):
        read(stream)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ValueError, EOFError):
        read(io.BytesIO(data))
    with contextlib.suppress(ValueError):
        decode(data, b"")


@given(MESSAGES, st.data())
def test_a_damaged_message_is_a_message_or_an_error(message: Any, data: st.DataObject) -> None:
    damaged = bytearray(encode(message))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError, EOFError):
        read(io.BytesIO(damaged))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (content("SerializedPacket", {"stream": 0}), b""),
        (content("ConnectionLost", {"fault": "any", "reason": ""}), b""),
        (content("ConnectionOpened", {"streams": {"nut": {"bytes": 5}, "rates": []}, "notes": []}), b"four"),
        (content("ConnectionOpened", {"streams": {"nut": {"bytes": -1}, "rates": []}, "notes": []}), b"four"),
        (content("Popen", {"args": "true"}), b""),
        (b"[" * 100_000, b""),
        (pickle.dumps(Fraction(1)), b""),
    ],
)
def test_what_is_no_message_is_refused(text: bytes, data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(text, data)


def test_a_message_that_claims_to_be_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="too large"):
        read(io.BytesIO(struct.pack("<II", 10, 2**32 - 1)))

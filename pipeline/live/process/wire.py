"""Messages from children as bytes: JSON, followed by the bytes that it refers to. They are checked when they are read.

A child parses what cameras and servers send, so it may be taken over. What it sends must not make its parent execute
anything, as a pickle could, or fill its memory.

    length of the JSON and of the bytes, 4 bytes each, little-endian; {"kind": ..., "fields": ...}; the bytes
"""

from __future__ import annotations

import dataclasses
import json
import struct
from fractions import Fraction
from functools import cache
from typing import Any, BinaryIO

from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, PacketWritten, SerializedPacket

_LENGTHS = struct.Struct("<II")
_MAX_JSON = 1 << 20
_MAX_BYTES = 1 << 29  # of a message: a raw frame of 8K, of 16 bits
_BYTES = "bytes"  # the key of an object that stands for so many of the bytes
_VALUE = "value"  # the kind of a message that is a JSON value itself


@dataclasses.dataclass(frozen=True, slots=True)
class ChildFailure:
    """The last message of a child that an unexpected exception ends.

    Attributes:
        where: The type of the exception, and the lines of its traceback.
    """

    where: str


_MESSAGES: tuple[type, ...] = (ChildFailure, ConnectionLost, ConnectionOpened, PacketWritten, SerializedPacket)
_KINDS = {kind.__name__: kind for kind in _MESSAGES}


def encode(message: Any) -> bytes:
    """One of the messages above, or a value of JSON's types or bytes, as bytes. Raises TypeError for others."""
    parts: list[bytes] = []
    name = type(message).__name__
    content = {"kind": name if name in _KINDS else _VALUE, "fields": _as_json(message, parts)}
    text, data = json.dumps(content, separators=(",", ":")).encode(), b"".join(parts)
    return _LENGTHS.pack(len(text), len(data)) + text + data


def read(file: BinaryIO) -> Any:
    """Wait for the next message in `file`. Raises EOFError at its end, and ValueError for anything but a message."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        raise EOFError
    text_bytes, data_bytes = _LENGTHS.unpack(lengths)
    if text_bytes > _MAX_JSON or data_bytes > _MAX_BYTES:
        raise ValueError(f"a message of {text_bytes + data_bytes} bytes is too large")
    text, data = file.read(text_bytes), file.read(data_bytes)
    if len(text) < text_bytes or len(data) < data_bytes:
        raise EOFError
    return decode(text, data)


def decode(text: bytes, data: bytes) -> Any:
    """The message whose JSON is `text`, which refers to `data`. Raises ValueError if it isn't one."""
    rest = memoryview(data)

    def with_bytes(value: dict[str, Any]) -> Any:
        nonlocal rest
        if value.keys() != {_BYTES}:
            return value
        size = value[_BYTES]
        if not isinstance(size, int) or not 0 <= size <= len(rest):
            raise ValueError("a message refers to bytes that it does not have")
        part, rest = bytes(rest[:size]), rest[size:]
        return part

    try:
        content = json.loads(text, object_hook=with_bytes)
        kind, fields = content["kind"], content["fields"]
        return fields if kind == _VALUE else _adapter(kind).validate_python(fields)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a message") from error


@cache
def _adapter(kind: str) -> Any:
    from pydantic import TypeAdapter  # not needed by children, which only encode

    return TypeAdapter(_KINDS[kind])


def _as_json(value: Any, parts: list[bytes]) -> Any:
    if isinstance(value, bytes):
        parts.append(value)
        return {_BYTES: len(value)}
    if dataclasses.is_dataclass(value):
        return {each.name: _as_json(getattr(value, each.name), parts) for each in dataclasses.fields(value)}
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple | list):
        return [_as_json(each, parts) for each in value]
    return value

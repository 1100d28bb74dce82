"""Tags and chapters as text, whatever their encoding: containers promise UTF-8, and files do not keep that promise."""

from __future__ import annotations

import re
from typing import Any

from av.container import InputContainer

UNDECODED = "surrogateescape"
"""The error handler with which containers are opened: bytes that are not UTF-8 become surrogates, and none is lost."""

_COMMON_ENCODING = "cp1252"  # of tags that are not UTF-8, more often than any other; it includes Latin-1's letters
_UNDECODED_BYTES = re.compile("[\udc80-\udcff]+")


def decode_tags(container: InputContainer) -> InputContainer:
    """Replace the tags of `container` and its streams that are not UTF-8 by what they most likely mean.

    Args:
        container: Opened with `metadata_errors=UNDECODED`.
    """
    for owner in (container, *container.streams):
        tags: dict[str, str] = owner.metadata
        decoded = _decoded(tags)
        tags.clear()
        tags.update(decoded)
    return container


def read_chapters(container: InputContainer) -> list[dict[str, Any]]:
    """The chapters of `container`, as PyAV's dictionaries with id, start, end, time_base and metadata."""
    return [{**chapter, "metadata": _decoded(chapter["metadata"])} for chapter in container.chapters()]


def decode_text(text: str) -> str:
    """`text`, each surrogate in it, which stands for a byte that is not UTF-8, replaced by that character of cp1252."""
    return _UNDECODED_BYTES.sub(_from_common_encoding, text)


def _from_common_encoding(match: re.Match[str]) -> str:
    data = match[0].encode(errors=UNDECODED)
    try:
        return data.decode(_COMMON_ENCODING)
    except UnicodeDecodeError:  # of its 256 codes, five have no meaning
        return data.decode("latin-1")


def _decoded(tags: dict[str, str]) -> dict[str, str]:
    return {decode_text(key): decode_text(value) for key, value in tags.items()}

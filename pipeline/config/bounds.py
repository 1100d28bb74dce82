"""Bounds of config files, checked before their values are used: no file takes long, much memory, or deep recursion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MAX_BYTES = 1 << 20
_MAX_DEPTH = 20  # levels of lists and mappings; settings have three
_MAX_VALUES = 100_000  # with aliases expanded
_MAX_BITS = 64  # of an integer
TOO_DEEP = f"is no config file: lists and mappings are nested more than {_MAX_DEPTH} deep"


def find_yaml_excess(text: str) -> str:
    """The reason to refuse a YAML document before it is built; empty if there is none.

    Aliases count as what they stand for: ten lines of them can stand for a billion values.
    """
    sizes: dict[str, int] = {}  # of what has an anchor
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in [anchor for anchor, _ in open_nodes]:
                return "is no config file: it contains a list or mapping that contains itself"
            total += sizes.get(event.anchor or "", 0)
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before
        if len(open_nodes) > _MAX_DEPTH:
            return TOO_DEEP
        if total > _MAX_VALUES:
            return f"is no config file: its aliases stand for more than {_MAX_VALUES:,} values"
    return ""


def find_excess(values: Any) -> str:
    """The reason to refuse what a config file contains; empty if there is none."""
    for depth, value in _walk(values, 0):
        if depth > _MAX_DEPTH:
            return TOO_DEEP
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            return f"contains an integer of {value.bit_length()} bits; allowed are {_MAX_BITS}"
        if isinstance(value, str) and _is_unusable(value):
            return "contains a NUL or a surrogate character; allowed is text"
    return ""


def _walk(value: Any, depth: int) -> Iterator[tuple[int, Any]]:
    """`value` and what it contains, keys included, each with its depth; nothing below the greatest that is allowed."""
    yield depth, value
    if depth <= _MAX_DEPTH and isinstance(value, dict | list | tuple | set):
        parts = [*value, *value.values()] if isinstance(value, dict) else list(value)
        for part in parts:
            yield from _walk(part, depth + 1)


def _is_unusable(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)

"""The settings that choose the size of the output: at most one of `scale`, `size`, `height` and `fit`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

TARGET_FIELDS = ("scale", "size", "height", "fit")
MAX_SIDE = 32768  # pixels

_MAX_FACTOR = 16
_SIZE = re.compile(r"\s*(\d+)x(\d+)\s*")

Size = tuple[int, int]
"""Width and height, in pixels; `HeightWidth` of `models.spec` has the order of a tensor's dimensions."""


def _factor(value: Any) -> Any:
    """A factor as a Fraction, from a number or a text such as 1.5 or 3/2; None stays None."""
    try:
        factor = None if value is None else Fraction(str(value).strip())
    except (ValueError, ZeroDivisionError):
        factor = Fraction(0)
    if factor is not None and not Fraction(1, _MAX_FACTOR) <= factor <= _MAX_FACTOR:
        raise ValueError(f"should be a factor from 1/{_MAX_FACTOR} to {_MAX_FACTOR}, such as 1.5")
    return factor


def _size(value: Any) -> Any:
    """(width, height) from "3840x2160" or a pair of numbers; None stays None."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    pair: Any = match.groups() if match else value
    if pair is None:
        return None
    is_pair = isinstance(pair, list | tuple) and len(pair) == 2 and all(str(side).isdigit() for side in pair)
    if not is_pair or not all(1 <= int(side) <= MAX_SIDE for side in pair):
        raise ValueError(f"should be WIDTHxHEIGHT, each 1 to {MAX_SIDE}, such as 3840x2160")
    return int(pair[0]), int(pair[1])


def _alone(value: Any, info: ValidationInfo) -> Any:
    others = [name for name in TARGET_FIELDS if info.data.get(name) is not None and name != info.field_name]
    if value is not None and others:
        raise ValueError(f"should be given without `{others[0]}`: each of them chooses the output's size")
    return value


Factor = Annotated[Fraction | None, BeforeValidator(_factor), AfterValidator(_alone)]
TargetSize = Annotated[Size | None, BeforeValidator(_size), AfterValidator(_alone)]
TargetHeight = Annotated[int | None, AfterValidator(_alone)]


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Settings of several layers in one: later ones win, and one that chooses a size replaces any earlier choice."""
    merged: dict[str, Any] = {}
    for layer in layers:
        if any(layer.get(name) is not None for name in TARGET_FIELDS):
            merged = {name: value for name, value in merged.items() if name not in TARGET_FIELDS}
        merged |= layer
    return merged

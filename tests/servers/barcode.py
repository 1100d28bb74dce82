"""A number in a frame as black and white cells, which stay readable after upscaling and lossy coding.

Two rows of 24 cells at the bottom: 32 bits of the number and 16 of a checksum. Cells are measured in fractions of the
frame, so a frame of twice the size is read like the original.
"""

from __future__ import annotations

import binascii
import time
from typing import Any

from numpy.typing import NDArray

COLUMNS, ROWS = 24, 2
HEIGHT = 1 / 6  # of the frame's, that the cells occupy
_BITS, _CHECK_BITS = 32, 16
_WRAP = 1 << 32
_BLACK, _WHITE = 16, 235  # of limited range
_CORE = 0.25  # of a cell at each side that is ignored, as filters blend it with its neighbours
_SEED = 0xFFFF  # so that a black frame is no number


def draw(luma: NDArray[Any], value: int) -> None:
    """Draws `value` (its lowest 32 bits) into `luma`, 8-bit, rows by columns, at least 96 x 48."""
    bits = _bits(value % 2**_BITS)
    for index, (top, bottom, left, right) in enumerate(_cells(luma.shape, 0)):
        luma[top:bottom, left:right] = _WHITE if bits[index] else _BLACK


def read(luma: NDArray[Any]) -> int | None:
    """Reads the number in `luma`; None where there is none, or its checksum is wrong."""
    threshold = (_BLACK + _WHITE) / 2
    bits = [
        bool(luma[top:bottom, left:right].mean() > threshold) for top, bottom, left, right in _cells(luma.shape, _CORE)
    ]
    value = sum(bit << place for place, bit in enumerate(bits[:_BITS]))
    return value if bits == _bits(value) else None


def now() -> int:
    """Returns milliseconds of time.monotonic, which all processes of a machine share; it wraps after 49 days."""
    return time.monotonic_ns() // 1_000_000 % _WRAP


def since(value: int) -> int:
    """Returns the milliseconds since `value`, an earlier `now`."""
    return (now() - value) % _WRAP


def _bits(value: int) -> list[bool]:
    check = binascii.crc_hqx(value.to_bytes(_BITS // 8, "big"), _SEED)
    return [bool(value >> place & 1) for place in range(_BITS)] + [
        bool(check >> place & 1) for place in range(_CHECK_BITS)
    ]


def _cells(shape: tuple[int, ...], margin: float) -> list[tuple[int, int, int, int]]:
    """(top, bottom, left, right) of each, less `margin` of it at each side; at least a pixel."""
    tall, wide = shape[0] * HEIGHT / ROWS, shape[1] / COLUMNS
    cells = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            top, left = shape[0] * (1 - HEIGHT) + tall * row, wide * column
            up, across = round(top + margin * tall), round(left + margin * wide)
            down, along = round(top + (1 - margin) * tall), round(left + (1 - margin) * wide)
            cells.append((up, max(down, up + 1), across, max(along, across + 1)))
    return cells

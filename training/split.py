"""The split of pictures into training and held-out ones, by their titles alone."""

from __future__ import annotations

import re
import zlib
from pathlib import PurePath

HELD_OUT_OF = 8
"""One picture in so many is held out."""


def title(name: str) -> str:
    """The file name without its suffix and without a hash before it. Equal titles are versions of one picture.

    >>> title("001817b0_spiral-firework.jpg")
    'spiral-firework'
    """
    return re.sub(r"^[0-9a-f]{8}_", "", PurePath(name).stem)


def is_held_out(name: str) -> bool:
    """True if a picture is held out: one in eight, by the CRC-32 of its title, regardless of all other pictures."""
    return zlib.crc32(title(name).encode()) % HELD_OUT_OF == 0

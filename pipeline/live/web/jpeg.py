"""Pairs of pictures on their way to browsers: made once for all who watch, and only while somebody does."""

from __future__ import annotations

import asyncio
import json
import struct
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import Frame
from pipeline.live.display import viewed, within
from pipeline.live.preview import Pair, Tap

_LARGEST = 1920  # width and height; a page is rarely larger, and 4K costs a core
_QUALITY = 92  # of JPEG: of both alike, and high, or the difference would be that of JPEG
_STEP_SECONDS = 0.4  # after which a wait looks whether it is still wanted


class Pictures:
    """The pairs of one Tap, encoded. For one event loop."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._number, self._body = 0, b""
        self._making: asyncio.Task[None] | None = None

    async def next(self, after: int) -> bytes | None:
        """The newest pair whose number is higher than `after`; None if there is none for a moment."""
        if self._number <= after:
            if self._making is None or self._making.done():
                self._making = asyncio.create_task(self._make())
            await asyncio.shield(self._making)  # others wait for the same
        return self._body if self._number > after else None

    async def _make(self) -> None:
        made = await asyncio.to_thread(self._encoded, self._number)
        if made is not None:
            self._number, self._body = made

    def _encoded(self, after: int) -> tuple[int, bytes] | None:
        pair = self._tap.pair(after, _STEP_SECONDS)
        return None if pair is None else (pair.number, encoded(pair))


def encoded(pair: Pair) -> bytes:
    """`pair` as pages get it: the length of a head, 4 bytes, big-endian; the head, JSON; two JPEGs, before and after.

    The head says the number of the pair, how many times as wide as high it is on a screen, and of both pictures the
    size they have in the stream and their bytes here.
    """
    pictures = {"before": pair.before, "after": pair.after}
    jpegs = {name: _jpeg(frame, pair.aspect) for name, frame in pictures.items()}
    format = pair.after.format
    head: dict[str, Any] = {"number": pair.number, "shape": float(format.width * pair.aspect / format.height)}
    for name, frame in pictures.items():
        size = {"width": frame.format.width, "height": frame.format.height}
        head[name] = {**size, "bytes": len(jpegs[name])}
    told = json.dumps(head).encode()
    return struct.pack(">I", len(told)) + told + jpegs["before"] + jpegs["after"]


def _jpeg(frame: Frame, aspect: Fraction) -> bytes:
    import cv2

    picture: NDArray[np.uint8] = viewed(frame, *within(frame.format, aspect, _LARGEST, _LARGEST))
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"OpenCV can't make a JPEG of {frame.format}")
    return data.tobytes()

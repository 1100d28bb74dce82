"""Encodes pairs of frames as JPEG for browsers: once for all clients, and only while there are some."""

from __future__ import annotations

import asyncio
import json
import struct
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import Frame
from pipeline.live.display import fit_size, to_bgr
from pipeline.live.preview import FramePair, Tap

_MAX_SIZE = 1920  # width and height; pages are rarely larger, and encoding 4K takes one core
_QUALITY = 92  # of JPEG, the same for both frames, and high, so that artifacts do not hide the difference
_WAIT_SECONDS = 0.4  # for a pair, in a worker thread


class JpegPairs:
    """The encoded pairs of one Tap. For one event loop."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._number, self._body = 0, b""
        self._task: asyncio.Task[None] | None = None

    async def next(self, after: int) -> bytes | None:
        """The newest pair with a number higher than `after`, encoded; None if there is none for a moment."""
        if self._number <= after:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._update())
            await asyncio.shield(self._task)  # other requests may wait for it too
        return self._body if self._number > after else None

    async def _update(self) -> None:
        newest = await asyncio.to_thread(self._encode_newest, self._number)
        if newest is not None:
            self._number, self._body = newest

    def _encode_newest(self, after: int) -> tuple[int, bytes] | None:
        pair = self._tap.pair(after, _WAIT_SECONDS)
        return None if pair is None else (pair.number, encode_pair(pair))


def encode_pair(pair: FramePair) -> bytes:
    """Encode `pair` for the page: the size of a header (4 bytes, big-endian), the header (JSON), two JPEGs.

    The header contains the number of the pair, its aspect ratio on a screen ("shape"), and for the frames "before" and
    "after" their width and height in the stream and the size of their JPEG in bytes.
    """
    frames = {"before": pair.before, "after": pair.after}
    shape = pair.aspect * pair.after.format.width / pair.after.format.height
    jpegs = {name: _jpeg(frame, shape * frame.format.height / frame.format.width) for name, frame in frames.items()}
    header: dict[str, Any] = {"number": pair.number, "shape": float(shape)}
    for name, frame in frames.items():
        size = {"width": frame.format.width, "height": frame.format.height}
        header[name] = {**size, "bytes": len(jpegs[name])}
    encoded = json.dumps(header).encode()
    return struct.pack(">I", len(encoded)) + encoded + jpegs["before"] + jpegs["after"]


def _jpeg(frame: Frame, aspect: Fraction) -> bytes:
    import cv2

    image: NDArray[np.uint8] = to_bgr(frame, *fit_size(frame.format, aspect, _MAX_SIZE, _MAX_SIZE))
    succeeded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not succeeded:
        raise ValueError(f"OpenCV can't encode {frame.format} as JPEG")
    return data.tobytes()

"""Frames that wait until it is known that the frames which they may refer to are undamaged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import av

from pipeline.media.decoding.ledger import PacketLedger

_MAX_REORDERING = 32  # packets by which a frame may be late; after more, it is lost


class FrameHold:
    """Holds decoded frames until those of all packets before theirs have arrived.

    Frames refer to frames of earlier packets, which may be shown later. If such a frame is damaged, FFmpeg marks it,
    but not the frames before it in display order that refer to it, whose samples may be anything.

    Args:
        ledger: Numbers the packets, and knows which of them yield a frame.
    """

    def __init__(self, ledger: PacketLedger) -> None:
        self._ledger = ledger
        self._frames: deque[av.VideoFrame] = deque()
        self._arrived: set[int] = set()  # the numbers of `_frames`
        self._next = 0  # all packets before this number have yielded frames, or will not
        self._newest = 0

    def add(self, frame: av.VideoFrame) -> None:
        """Add the next frame in display order; its pts is its packet's number."""
        self._frames.append(frame)
        if frame.pts is not None:
            self._arrived.add(frame.pts)
            self._newest = max(self._newest, frame.pts)

    def release(self, everything: bool = False) -> Iterator[av.VideoFrame]:
        """Remove and yield the frames that need not wait any longer, or all."""
        self._advance()
        while self._frames and (everything or (self._frames[0].pts or 0) <= self._next):
            frame = self._frames.popleft()
            self._arrived.discard(-1 if frame.pts is None else frame.pts)
            yield frame

    def discard(self) -> None:
        """Remove all frames."""
        self._frames.clear()
        self._arrived.clear()

    def _advance(self) -> None:
        while self._next < self._newest and not self._is_awaited(self._next):
            self._next += 1

    def _is_awaited(self, number: int) -> bool:
        is_late = self._newest - number > _MAX_REORDERING
        return not is_late and number not in self._arrived and self._ledger.is_outstanding(number)

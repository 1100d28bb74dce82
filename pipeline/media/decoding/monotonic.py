"""Frames whose times advance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipeline.flow.stage import Stage
from pipeline.frame import Frame


class MonotonicTimestamps(Stage[Any, Any]):
    """Moves frames that are shown at the time of another, or before one that went ahead: few of them, and by little.

    It looks one frame ahead, to tell a frame that is late from one that is early: of 0, 40, 9000, 120 it is the third
    that is wrong, of 0, 40, 20, 80 too, though there the second could be moved as well.

    least: ticks that a frame that is moved is shown after the one before. repaired: how many were moved.
    """

    def __init__(self, least: int = 1) -> None:
        self._least = least
        self._held: Frame | None = None
        self._last: int | None = None
        self.repaired = 0

    def feed(self, item: Any) -> Iterator[Any]:
        if not isinstance(item, Frame):
            yield item
            return
        if self._held is not None:
            yield self._settled(self._held, item.pts)
        self._held = item

    def finish(self) -> Iterator[Any]:
        if self._held is not None:
            yield self._settled(self._held, None)
            self._held = None

    def close(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None

    def _settled(self, frame: Frame, next: int | None) -> Frame:
        """`frame` at a time after the last one's; and before the `next` one's, if that one seems to be right."""
        pts, last = frame.pts, self._last
        if last is not None:
            expected = last + max(1, frame.duration)
            earliest = last + self._least
            is_next_right = next is not None and earliest < next <= pts and abs(next - expected) < abs(pts - expected)
            if next is not None and is_next_right:
                pts = max(min(expected, next - self._least), earliest)
            pts = pts if pts > last else earliest
        self._last = pts
        if pts == frame.pts:
            return frame
        self.repaired += 1
        return replace(frame, pts=pts)

"""Repair of frames whose timestamps do not increase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Generic, TypeVar

from pipeline.flow.stage import Stage
from pipeline.frame import Frame

Other = TypeVar("Other")


class MonotonicTimestamps(Stage[Frame | Other, Frame | Other], Generic[Other]):
    """Makes timestamps increase, by moving as few frames as possible by as little as possible; other items pass.

    It looks one frame ahead to distinguish a late frame from an early one: in 0, 40, 9000, 120 the third is wrong, and
    also in 0, 40, 20, 80, where the second could be moved as well.

    Args:
        min_distance: Ticks between a moved frame and the frame before it.

    Attributes:
        repaired: The number of moved frames.
    """

    def __init__(self, min_distance: int = 1) -> None:
        self._min_distance = min_distance
        self._held: Frame | None = None
        self._last_pts: int | None = None
        self.repaired = 0

    def feed(self, item: Frame | Other) -> Iterator[Frame | Other]:
        if not isinstance(item, Frame):
            yield item
            return
        if self._held is not None:
            yield self._repair(self._held, item.pts)
        self._held = item

    def finish(self) -> Iterator[Frame | Other]:
        if self._held is not None:
            yield self._repair(self._held, None)
            self._held = None

    def close(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None

    def _repair(self, frame: Frame, next_pts: int | None) -> Frame:
        """`frame` at a time after the last frame, and before the next one if that one's timestamp is plausible."""
        pts, last = frame.pts, self._last_pts
        if last is not None:
            expected = last + max(1, frame.duration)
            earliest = last + self._min_distance
            if next_pts is not None and earliest < next_pts <= pts and abs(next_pts - expected) < abs(pts - expected):
                pts = max(min(expected, next_pts - self._min_distance), earliest)
            pts = pts if pts > last else earliest
        self._last_pts = pts
        if pts == frame.pts:
            return frame
        self.repaired += 1
        return replace(frame, pts=pts)

"""Access to the frames of a running stream, before and after upscaling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from pipeline.flow.stage import Stage
from pipeline.frame import Frame

_INTEREST_SECONDS = 2.0  # after a request, for which frames are still copied
_MAX_PENDING = 8  # frames that entered and did not leave yet; there are more only if frames were lost
_INTERVAL_SECONDS = 0.08

Clock = Callable[[], float]
Item = TypeVar("Item")


@dataclass(frozen=True)
class FramePair:
    """The same frame before and after upscaling; both have memory of their own.

    Attributes:
        number: Higher with each pair of a Tap.
        before: As it was decoded.
        after: As it was upscaled.
        aspect: Width of a sample divided by its height, after upscaling.
    """

    number: int
    before: Frame
    after: Frame
    aspect: Fraction = Fraction(1)


class PreviewStage(Stage[Item, Item]):
    """Passes all items along, and shows frames to one side of a Tap: its `add_before` or its `add_after`."""

    def __init__(self, add: Callable[[Frame], None]) -> None:
        self._add = add

    def feed(self, item: Item) -> Iterator[Item]:
        if isinstance(item, Frame):
            self._add(item)
        yield item


class Tap:
    """Copies frames before and after upscaling as long as somebody requests them; costs nothing otherwise.

    One thread calls `add_before` with each frame that enters, another `add_after` with each that leaves, in the same
    order and with the same pts; frames may be lost in between. Any thread may request pairs.

    Args:
        clock: Gives the time in seconds.

    Attributes:
        aspect: Width of a sample divided by its height.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.aspect = Fraction(1)
        self._clock = clock
        self._changed = threading.Condition()
        self._requests: dict[float, float] = {}  # by interval in seconds: until when somebody wants pairs
        self._last_copy = float("-inf")
        self._pending: dict[int, Frame] = {}  # copies of frames that entered, by pts, oldest first
        self._newest: FramePair | None = None
        self._count = 0

    @property
    def wanted(self) -> bool:
        """True if somebody requested a pair lately."""
        return self._interval is not None

    @property
    def _interval(self) -> float | None:
        """The shortest interval between two pairs that was requested lately; None if there is none."""
        if not self._requests:
            return None
        now = self._clock()
        return min((interval for interval, until in [*self._requests.items()] if until > now), default=None)

    def add_before(self, frame: Frame) -> None:
        """Note that `frame` enters; copy it if a pair is due."""
        interval = self._interval
        if interval is None:
            if self._requests:
                self._forget()
            return
        now = self._clock()
        if now - self._last_copy < interval:
            return
        self._last_copy = now
        copy = _copy(frame)
        with self._changed:
            self._pending[frame.pts] = copy
            if len(self._pending) > _MAX_PENDING:
                del self._pending[next(iter(self._pending))]

    def add_after(self, frame: Frame) -> None:
        """Note that `frame` leaves; make a pair if the frame with its pts was copied. Earlier ones were lost."""
        if not self._pending:
            return
        with self._changed:
            before = self._pending.get(frame.pts)
            for pts in [pts for pts in self._pending if pts <= frame.pts]:
                del self._pending[pts]
        if before is None:
            return
        copy = _copy(frame)
        with self._changed:
            self._count += 1
            self._newest = FramePair(self._count, before, copy, self.aspect)
            self._changed.notify_all()

    def pair(self, after: int = 0, timeout: float = 0.0, interval: float = _INTERVAL_SECONDS) -> FramePair | None:
        """Request the newest pair; None if there is none in time.

        Args:
            after: The pair must have a higher number than this.
            timeout: The longest wait in seconds.
            interval: Seconds between two pairs, at least; of several requests the shortest interval counts.
        """
        with self._changed:
            self._requests[interval] = self._clock() + timeout + _INTEREST_SECONDS
            self._changed.wait_for(lambda: self._newest is not None and self._newest.number > after, timeout)
            self._requests[interval] = self._clock() + _INTEREST_SECONDS
            newest = self._newest
        return newest if newest is not None and newest.number > after else None

    def _forget(self) -> None:
        """Free all frames, since no pairs are requested any more."""
        with self._changed:
            if self._interval is None:
                self._requests.clear()
                self._pending.clear()
                self._newest = None


def _copy(frame: Frame) -> Frame:
    return Frame(frame.format, tuple(plane.copy() for plane in frame.planes), frame.pts, frame.duration)

"""Where the pictures of a running stream can be looked at: what came, and what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pipeline.flow.stage import Stage
from pipeline.frame import Frame

_INTEREST_SECONDS = 2.0  # for which nobody need ask again
_MOST_PENDING = 8  # frames that went in and did not come out yet; more lie between a line's ends only if they are lost
_EVERY_SECONDS = 0.08

Clock = Callable[[], float]


@dataclass(frozen=True)
class Pair:
    """The same moment twice: as it was decoded, and upscaled. Both frames have memory of their own.

    number: higher with each pair of a Tap. aspect: how many times as wide as high the samples of both are.
    """

    number: int
    before: Frame
    after: Frame
    aspect: Fraction = Fraction(1)


class Tapped(Stage[Any, Any]):
    """Shows frames that pass to a side of a Tap: its `before` or its `after`."""

    def __init__(self, side: Callable[[Frame], None]) -> None:
        self._side = side

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, Frame):
            self._side(item)
        yield item


class Tap:
    """Copies frames at both ends of a line, as long as somebody asks for them; costs nothing otherwise.

    A thread calls `before` with each frame that goes in, another `after` with each that comes out, in the same order
    and with the same pts; frames may be lost in between. Any thread may ask. aspect: of the samples of both.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.aspect = Fraction(1)
        self._clock = clock
        self._made = threading.Condition()
        self._asked: dict[float, float] = {}  # until when somebody wants a pair each so many seconds
        self._taken = float("-inf")  # when the last one was
        self._pending: dict[int, Frame] = {}  # what went in, by its pts, oldest first
        self._newest: Pair | None = None
        self._count = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody asked lately."""
        return self._period is not None

    @property
    def _period(self) -> float | None:
        """The least number of seconds between two pairs that somebody asked for lately."""
        if not self._asked:
            return None
        now = self._clock()
        return min((every for every, until in [*self._asked.items()] if until > now), default=None)

    def before(self, frame: Frame) -> None:
        """`frame` goes in."""
        period = self._period
        if period is None:
            if self._asked:
                self._forget()
            return
        now = self._clock()
        if now - self._taken < period:
            return
        self._taken = now
        copy = _copied(frame)
        with self._made:
            self._pending[frame.pts] = copy
            if len(self._pending) > _MOST_PENDING:
                del self._pending[next(iter(self._pending))]

    def after(self, frame: Frame) -> None:
        """What became of the frame of that pts comes out; those before it that did not come were lost."""
        if not self._pending:
            return
        with self._made:
            before = self._pending.get(frame.pts)
            for pts in [pts for pts in self._pending if pts <= frame.pts]:
                del self._pending[pts]
        if before is None:
            return
        copy = _copied(frame)
        with self._made:
            self._count += 1
            self._newest = Pair(self._count, before, copy, self.aspect)
            self._made.notify_all()

    def pair(self, after: int = 0, timeout: float = 0.0, every: float = _EVERY_SECONDS) -> Pair | None:
        """The newest pair whose number is higher than `after`; None if there is none for `timeout` seconds.

        every: how many seconds at the least lie between two pairs; the most impatient of those who ask decides.
        """
        with self._made:
            self._asked[every] = self._clock() + timeout + _INTEREST_SECONDS
            self._made.wait_for(lambda: self._newest is not None and self._newest.number > after, timeout)
            self._asked[every] = self._clock() + _INTEREST_SECONDS
            newest = self._newest
        return newest if newest is not None and newest.number > after else None

    def _forget(self) -> None:
        """Nobody looks any more: free the pictures."""
        with self._made:
            if self._period is None:
                self._asked.clear()
                self._pending.clear()
                self._newest = None


def _copied(frame: Frame) -> Frame:
    return Frame(frame.format, tuple(plane.copy() for plane in frame.planes), frame.pts, frame.duration)

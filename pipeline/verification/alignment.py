"""Source and result in step: which source frame each result frame shows, and when."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.colour_check import Comparison
from pipeline.verification.frame_matching import REACH, FrameAligner
from pipeline.verification.frame_signature import Signature
from pipeline.verification.readers import Film, Shown

_SAME_MOMENT = 0.002  # seconds: a result that begins like this beside a source frame has kept the source's clock
_HELD = 2500  # source frames, at most, that are looked at for one result frame


@dataclass(frozen=True)
class Match:
    """Two films compared.

    source, result: when each of their frames is shown, in seconds. shown: the source frame that each result frame
    shows. unlike: the mean square difference between the two, of 255, and contrast: the source frame's own variance.
    source_end, result_end: when the last frames end.
    """

    source: NDArray[np.float64]
    result: NDArray[np.float64]
    shown: tuple[int, ...]
    unlike: NDArray[np.float64]
    contrast: NDArray[np.float64]
    source_end: float
    result_end: float
    colours: Comparison


class FrameCursor:
    """The source frames read so far: the times of all, the pictures of those within reach."""

    def __init__(self, frames: Iterator[Shown]) -> None:
        self._frames = frames
        self._pictures: list[Signature] = []
        self.times, self.contrast = array("d"), array("f")
        self._shift: float | None = None  # by how much the result's clock is ahead, in seconds
        self.first = 0  # of those whose pictures are held
        self.end = 0.0
        self.over = False

    def read(self) -> bool:
        """Read one more; False if there is none."""
        frame = next(self._frames, None)
        if frame is None or frame.picture is None:
            self.over = True
            return False
        self.times.append(frame.at)
        self.contrast.append(float(frame.picture.var()))
        self.end = frame.at + frame.lasts
        self._pictures.append(frame.picture)
        return True

    def nearest(self, at: float, behind: int = 0) -> int:
        """The frame that is shown nearest to the moment `at` on the result's clock, which is first told its start.

        behind: how many frames the result is behind that clock, so that it still runs when the last frame has passed.
        """
        if self._shift is None:
            self._shift = self._shift_of(at)
        moment = at - self._shift
        while (not self.times or self.times[-1] < moment) and len(self._pictures) < _HELD and self.read():
            pass
        after = bisect_left(self.times, moment)
        if after == len(self.times):
            return max(0, after - 1) + min(behind, self._beyond(moment))
        return after - 1 if after and moment - self.times[after - 1] < self.times[after] - moment else after

    def _beyond(self, moment: float) -> int:
        """How many frames after the last one a `moment` would be."""
        lasting = (self.times[-1] - self.times[0]) / (len(self.times) - 1) if self.over and len(self.times) > 1 else 0
        return round((moment - self.times[-1]) / lasting) if lasting > 0 else 0

    def nth(self, place: int) -> int:
        """The frame at `place`, or the last one before it."""
        while len(self.times) <= place and len(self._pictures) < _HELD and self.read():
            pass
        return max(0, min(place, len(self.times) - 1))

    def pictures(self, low: int, high: int) -> list[Signature]:
        """The pictures of frames `low` to before `high`, as far as there are; those before `low` are let go."""
        while len(self.times) < high and self.read():
            pass
        del self._pictures[: max(0, low - self.first)]
        self.first = max(self.first, low)
        return self._pictures[: high - self.first]

    def drain(self) -> None:
        while self.read():
            self._pictures.clear()

    def _shift_of(self, start: float) -> float:
        """By how much the result's clock is ahead of the source's, judged by its `start`."""
        while len(self.times) < REACH and self.read():
            pass
        if not self.times or any(abs(time - start) <= _SAME_MOMENT for time in self.times):
            return 0.0
        return start - self.times[0]


def compare(source: Film, result: Film, progress: Callable[[int], None] | None = None) -> Match:
    """Read both films, and follow the one through the other. progress: told how many result frames are done.

    The frames of a timeless result are shown when the source frames are that they show.
    """
    reel, follower, colours = FrameCursor(source.frames()), FrameAligner(), Comparison()
    times, end, behind = array("d"), 0.0, 0
    for place, frame in enumerate(result.frames()):
        times.append(frame.at)
        end = frame.at + frame.lasts
        expected = reel.nth(place) if result.timeless else reel.nearest(frame.at, behind)
        low, high = follower.within(expected)
        held = reel.pictures(low, high)
        if not held or frame.picture is None:
            break
        best = follower.step(expected, frame.picture, reel.first, np.stack(held))
        behind = max(0, expected - best)
        colours.add(held[best - reel.first], frame.picture)
        if progress:
            progress(len(times))
    follower.finish()
    reel.drain()
    shown = tuple(follower.shown)
    source_times = np.array(reel.times)
    return Match(
        source=source_times,
        result=source_times[list(shown)] if result.timeless else np.array(times),
        shown=shown,
        unlike=np.array(follower.unlike),
        contrast=np.array(reel.contrast)[list(shown)],
        source_end=reel.end,
        result_end=reel.end if result.timeless else end,
        colours=colours,
    )

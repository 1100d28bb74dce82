"""The times at which videos are compared: frames of other videos are matched with them by time, not by number."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pipeline.diagnostics.comparison.clip import TimedFrame
from pipeline.frame import Frame

_TOLERANCE_SHARE = 0.25  # of the usual distance of two frames: the frame before and after are no match
_MIN_TOLERANCE = 0.0011  # seconds: two times may each be rounded to a millisecond, as Matroska's are
_TOLERANCE_OF_ONE = 0.02  # seconds, where there is a single frame


@dataclass(frozen=True)
class Timeline:
    """The times of the frames that are compared.

    Attributes:
        times: In seconds after the first frame of the video, increasing.
    """

    times: tuple[float, ...]

    @property
    def tolerance(self) -> float:
        """The largest difference between the times of two frames that show the same moment, in seconds."""
        steps = [after - before for before, after in zip(self.times, self.times[1:], strict=False)]
        return max(_MIN_TOLERANCE, _TOLERANCE_SHARE * statistics.median(steps)) if steps else _TOLERANCE_OF_ONE

    def match(self, frames: Iterator[TimedFrame], wanted: Collection[int]) -> Iterator[tuple[int, Frame]]:
        """Find the frame of another video, or of the same, that is nearest to each time.

        Args:
            frames: In order of time. Those that match nothing are released.
            wanted: Indices into `times`.

        Yields:
            An index and the frame nearest to its time, if they differ by no more than `tolerance`. Each frame is
            yielded once at most; the caller releases it.
        """
        tolerance = self.tolerance
        current, following = next(frames, None), next(frames, None)
        for index, time in enumerate(self.times[: max(wanted, default=-1) + 1]):
            while current and following and abs(following.time - time) <= abs(current.time - time):
                current.frame.release()
                current, following = following, next(frames, None)
            if current and abs(current.time - time) <= tolerance:
                matching, current, following = current, following, next(frames, None)
                if index in wanted:
                    yield index, matching.frame
                else:
                    matching.frame.release()
        for left in (current, following):
            if left:
                left.frame.release()

"""Aligns source and output: which source frame each output frame shows, and when."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.colour_check import ColourComparison
from pipeline.verification.frame_matching import REACH, FrameAligner
from pipeline.verification.frame_signature import Signature
from pipeline.verification.readers import TimedSignature, VideoReader

_SAME_MOMENT = 0.002  # seconds: an output whose first frame is this near to a source frame has kept the source's clock
_MAX_HELD = 2500  # source frames that are held for one output frame, at most


@dataclass(frozen=True)
class Alignment:
    """The frames of an output, and the source frames that they show.

    Attributes:
        source_times: Presentation time of each source frame, in seconds.
        output_times: Presentation time of each output frame, in seconds.
        shown: Index of the source frame that each output frame shows.
        differences: Mean square difference between the two, of 255.
        contrast: Variance of that source frame.
        source_end: End of the last source frame, in seconds.
        output_end: End of the last output frame, in seconds.
        colours: The colours of all matching frames.
    """

    source_times: NDArray[np.float64]
    output_times: NDArray[np.float64]
    shown: tuple[int, ...]
    differences: NDArray[np.float64]
    contrast: NDArray[np.float64]
    source_end: float
    output_end: float
    colours: ColourComparison


class FrameCursor:
    """Reads source frames as far as they are needed, and holds the signatures of those in the search range.

    Attributes:
        times: Presentation time of each frame read so far, in seconds.
        contrast: Variance of each frame's signature.
        first: Index of the first frame whose signature is held.
        end: End of the last frame read so far, in seconds.
        is_exhausted: The last frame has been read.
    """

    def __init__(self, frames: Iterator[TimedSignature]) -> None:
        self._frames = frames
        self._signatures: list[Signature] = []
        self.times, self.contrast = array("d"), array("f")
        self._shift: float | None = None  # output time minus source time, in seconds
        self.first = 0
        self.end = 0.0
        self.is_exhausted = False

    def read(self) -> bool:
        """Read one more frame; False if there is none."""
        frame = next(self._frames, None)
        if frame is None:
            self.is_exhausted = True
            return False
        self.times.append(frame.time)
        self.contrast.append(float(frame.signature.var()))
        self.end = frame.time + frame.duration
        self._signatures.append(frame.signature)
        return True

    def nearest(self, time: float, lag: int = 0) -> int:
        """Return the frame that is shown nearest to `time` on the output's clock; the first call sets that clock.

        Args:
            time: Seconds.
            lag: How many frames the output is behind its clock, so that the index still advances after the last frame.
        """
        if self._shift is None:
            self._shift = self._estimate_shift(time)
        moment = time - self._shift
        while (not self.times or self.times[-1] < moment) and len(self._signatures) < _MAX_HELD and self.read():
            pass
        after = bisect_left(self.times, moment)
        if after == len(self.times):
            return max(0, after - 1) + min(lag, self._frames_beyond(moment))
        return after - 1 if after and moment - self.times[after - 1] < self.times[after] - moment else after

    def _frames_beyond(self, moment: float) -> int:
        """Return how many frames after the last one `moment` is, at their average rate."""
        count = len(self.times)
        duration = (self.times[-1] - self.times[0]) / (count - 1) if self.is_exhausted and count > 1 else 0
        return round((moment - self.times[-1]) / duration) if duration > 0 else 0

    def nth(self, index: int) -> int:
        """Return `index`, or the last frame before it."""
        while len(self.times) <= index and len(self._signatures) < _MAX_HELD and self.read():
            pass
        return max(0, min(index, len(self.times) - 1))

    def signatures(self, low: int, high: int) -> list[Signature]:
        """Return the signatures of frames `low` to before `high`, as far as they exist; those before are dropped."""
        while len(self.times) < high and self.read():
            pass
        del self._signatures[: max(0, low - self.first)]
        self.first = max(self.first, low)
        return self._signatures[: high - self.first]

    def drain(self) -> None:
        """Read the frames that are left, for their times."""
        while self.read():
            self._signatures.clear()

    def _estimate_shift(self, start: float) -> float:
        """Return by how much the output's clock is ahead, from the time of its first frame."""
        while len(self.times) < REACH and self.read():
            pass
        if not self.times or any(abs(time - start) <= _SAME_MOMENT for time in self.times):
            return 0.0
        return start - self.times[0]


def align(source: VideoReader, output: VideoReader, progress: Callable[[int], None] | None = None) -> Alignment:
    """Read both videos and align their frames.

    Args:
        source: The source.
        output: The output; without timestamps its frames get the times of the source frames that they show.
        progress: Called with the number of output frames that are done.
    """
    aligner, colours, times, end, lag = FrameAligner(), ColourComparison(), array("d"), 0.0, 0
    with closing(source.frames()) as source_frames, closing(output.frames()) as output_frames:
        cursor = FrameCursor(source_frames)
        for place, frame in enumerate(output_frames):
            times.append(frame.time)
            end = frame.time + frame.duration
            expected = cursor.nth(place) if output.is_timeless else cursor.nearest(frame.time, lag)
            candidates = cursor.signatures(*aligner.search_range(expected))
            if not candidates:
                break
            best = aligner.add(expected, frame.signature, cursor.first, np.stack(candidates))
            lag = max(0, expected - best)
            colours.add(candidates[best - cursor.first], frame.signature)
            if progress:
                progress(len(times))
        aligner.finish()
        cursor.drain()
    shown, source_times = list(aligner.shown), np.array(cursor.times)
    return Alignment(
        source_times=source_times,
        output_times=source_times[shown] if output.is_timeless else np.array(times),
        shown=tuple(shown),
        differences=np.array(aligner.differences),
        contrast=np.array(cursor.contrast)[shown],
        source_end=cursor.end,
        output_end=cursor.end if output.is_timeless else end,
        colours=colours,
    )

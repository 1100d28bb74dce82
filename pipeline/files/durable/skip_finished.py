"""The stage that leaves out what finished segments contain."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import InputError
from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.media.reading.source import Packet


class SkipFinished(Stage["Frame | Packet", "Frame | Packet"]):
    """Releases the frames that are in finished segments, and drops the packets of other streams that are.

    The source is decoded again from its beginning, so that damage, deinterlacing and repaired timestamps are those of
    an uninterrupted job. Each frame must have the time that it had then.

    Args:
        path: The source, for error messages.
        times: The pts of the finished frames.
        others: Number of finished packets, by stream index.
        shift: What the encoder adds to the pts of a frame.

    Attributes:
        frames: Number of frames left out so far.
    """

    def __init__(self, path: Path, times: array[int], others: Mapping[int, int], shift: int) -> None:
        self._path = path
        self._times = times[:]
        self._others = Counter(others)
        self._shift = shift
        self.frames = 0

    def feed(self, item: Frame | Packet) -> Iterator[Frame | Packet]:
        if not isinstance(item, Frame):
            if self._others[item.stream_index] > 0:
                self._others[item.stream_index] -= 1
            else:
                yield item
        elif self.frames < len(self._times):
            self._check(item.pts + self._shift)
            self.frames += 1
            item.release()
        else:
            yield item

    def check_complete(self) -> None:
        """Raise InputError if frames that are in finished segments were not decoded, after the source's end."""
        if self.frames < len(self._times):
            raise self._changed(f"only {self.frames} of the {len(self._times)} finished frames were decoded")

    def _check(self, pts: int) -> None:
        expected = self._times[self.frames]
        if pts != expected:
            raise self._changed(f"frame {self.frames} is at {pts} ticks and was at {expected} before the interruption")

    def _changed(self, difference: str) -> InputError:
        advice = "try again; if this remains, `uprez clean` removes the segments"
        return InputError(f"{self._path}: {difference}: it was not read as before; {advice}")

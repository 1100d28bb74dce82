"""The first part of a line: from a source's packets to the frames that are wanted, in order."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.decoding.monotonic import MonotonicTimestamps
from pipeline.media.decoding.trim import Excerpt, Trim
from pipeline.media.reading.source import Source

_LEAST_SECONDS = Fraction(1, 1000)  # the tick of Matroska, so that two times stay two


class FrameReader(Chain[Any, Any]):
    """Packets of `source` in, frames of `format` out, each later than the one before; of `excerpt` only, if given.

    also: indices of the streams whose packets pass.
    """

    def __init__(self, source: Source, format: FrameFormat, excerpt: Excerpt | None, also: frozenset[int]) -> None:
        self._source = source
        self._decoder = Decoder(source, format)
        assert source.video.time_base is not None
        self._order = MonotonicTimestamps(least=math.ceil(_LEAST_SECONDS / source.video.time_base))
        self._trim = Trim(excerpt, source, also) if excerpt else None
        super().__init__(self._decoder, self._order, *([self._trim] if self._trim else []))

    @property
    def decoded(self) -> int:
        """How many frames were decoded."""
        return self._decoder.frames

    @property
    def frames(self) -> int:
        """How many were given."""
        return self._trim.frames if self._trim else self._decoder.frames

    @property
    def end(self) -> float:
        """When the last frame that was decoded ends, in seconds from the first."""
        ticks = self._decoder.end - self._source.first_pts
        return float(ticks * (self._source.video.time_base or 0))

    def check_missing_frames(self) -> None:
        """Note what the container promised and did not give. Call it when all has come. Raises InputError if strict."""
        if self._trim is None or not self._trim.complete:
            missing = self._source.missing_frames(self._decoder.packets, self._decoder.end)
            self._source.damage.add(lost_frames=max(0, missing - self._decoder.holed))

    def findings(self) -> Iterator[str]:
        """What turned out to be special about the source, a line each."""
        yield from self._source.damage.summary()
        yield from self._decoder.changes
        for jump in self._source.clock_jumps:
            yield f"the source's clock jumps by {float(jump):+.3f} s; that was closed to one frame"
        if self._decoder.timeless:
            rate = f"its rate, {float(self._source.rate):g} frames/s"
            yield f"frames that have no times of their own are shown at {rate} ({self._decoder.timeless})"
        if self._order.repaired:
            yield f"frames whose time did not advance were moved to the nearest one possible ({self._order.repaired})"


class PtsRecorder(Stage[Any, Any]):
    """Notes when the frames that pass are shown."""

    def __init__(self) -> None:
        self._pts = array("q")

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, Frame):
            self._pts.append(item.pts)
        yield item

    def seconds(self, time_base: Fraction) -> NDArray[np.float64]:
        """The times of the frames, in seconds."""
        return np.array(self._pts, np.float64) * float(time_base)

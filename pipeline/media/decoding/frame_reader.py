"""The first stages of a job: from a source's packets to the requested frames, in order."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from fractions import Fraction
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.decoding.monotonic import MonotonicTimestamps
from pipeline.media.decoding.parallel_contexts import ParallelDecoding
from pipeline.media.decoding.trim import Excerpt, Trim
from pipeline.media.reading.source import Packet, Source
from pipeline.system.cuda import Gpu

_MIN_DISTANCE = Fraction(1, 1000)  # seconds between frames: Matroska's tick, so that two timestamps stay two

Other = TypeVar("Other")


class FrameReader(Chain[Packet, "Frame | Packet"]):
    """Decodes, orders and trims: packets in, frames with increasing timestamps out; packets of other streams pass.

    Args:
        source: Its packets are fed to this stage.
        format: The format of all frames.
        excerpt: The part of the source that is requested, None for all of it.
        other_streams: Indices of the streams whose packets are cut to match.
        parallel: How to decode in parallel; None for one codec context.
        gpu: The GPU whose NVDEC decodes; None for software.
    """

    def __init__(
        self,
        source: Source,
        format: FrameFormat,
        excerpt: Excerpt | None,
        other_streams: frozenset[int],
        parallel: ParallelDecoding | None = None,
        gpu: Gpu | None = None,
    ) -> None:
        self._source = source
        self._decoder = Decoder(source, format, parallel, gpu)
        assert source.video.time_base is not None
        self._order = MonotonicTimestamps[Packet](math.ceil(_MIN_DISTANCE / source.video.time_base))
        self._trim = Trim(excerpt, source, other_streams) if excerpt else None
        super().__init__(self._decoder, self._order, *([self._trim] if self._trim else []))

    @property
    def decoded(self) -> int:
        """The number of decoded frames."""
        return self._decoder.frames

    @property
    def frames(self) -> int:
        """The number of yielded frames."""
        return self._trim.frames if self._trim else self._decoder.frames

    @property
    def end(self) -> float:
        """The end of the last decoded frame, in seconds after the first frame's start."""
        ticks = self._decoder.end - self._source.first_pts
        return float(ticks * (self._source.video.time_base or 0))

    def check_missing_frames(self) -> None:
        """Count the frames that the container declares and that did not arrive. Call it after the last packet.

        Raises:
            InputError: Frames are missing, and the source is read strictly.
        """
        if self._trim is None or not self._trim.complete:
            missing = self._source.missing_frames(self._decoder.packets, self._decoder.end)
            self._source.damage.add(lost_frames=max(0, missing - self._decoder.gap_frames))

    def findings(self) -> Iterator[str]:
        """One line for each fault of the source that decoding has revealed, for users."""
        yield from self._source.damage.summary()
        yield from self._decoder.changes.notes
        for jump in self._source.clock_jumps:
            yield f"the source's timestamps jump by {float(jump):+.3f} s; the jump was reduced to one frame"
        if count := self._decoder.untimed_frames:
            rate = f"the source's rate, {float(self._source.rate):g} frames/s"
            yield f"{count} frames without timestamps got theirs from {rate}"
        if count := self._order.repaired:
            yield f"timestamps that did not increase were moved to the nearest possible time ({count})"


class PtsRecorder(Stage[Frame | Other, Frame | Other], Generic[Other]):
    """Records the timestamps of all frames that pass."""

    def __init__(self) -> None:
        self._pts = array("q")

    def feed(self, item: Frame | Other) -> Iterator[Frame | Other]:
        if isinstance(item, Frame):
            self._pts.append(item.pts)
        yield item

    def seconds(self, time_base: Fraction) -> NDArray[np.float64]:
        """The timestamps in seconds, of shape (frames,)."""
        return np.array(self._pts, np.float64) * float(time_base)

"""A scene: consecutive frames of a live stream that one pipeline can process, as their formats are the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.frame import Frame
from pipeline.live.counters import StreamCounters
from pipeline.live.input.clock import TICKS
from pipeline.live.input.decoder import LiveFrame
from pipeline.live.output.gap_filler import RepeatFrame
from pipeline.media.decoding.interlace.bwdif import FlushMarker
from pipeline.media.reading.media_info import VideoInfo

STARTING = "starting"  # while the session and the encoder are opened
FILLED = "already filled"
FAILED = "failure"

_MIN_DURATION = TICKS // 60  # of a repeated frame; some streams state an absurd frame rate
_MIN_GAP_SECONDS = 0.5  # without a frame before a source counts as disconnected

Drop = Callable[[LiveFrame, str], None]


def same_scene(one: LiveFrame, other: LiveFrame) -> bool:
    """True if one pipeline can process both frames."""
    return one.audio == other.audio and _format(one.video) == _format(other.video)


def _format(video: VideoInfo) -> tuple[Any, ...]:
    """The properties that a pipeline depends on, without the frame rate: a new connection may state another."""
    return video.format, video.source_format, video.sample_aspect, video.display_matrix, video.scan, video.hdr


@dataclass(frozen=True)
class GapHandling:
    """The behaviour of a scene while its source is disconnected or silent.

    Attributes:
        is_disconnected: Reports whether the source is disconnected.
        flush: Yield one FlushMarker, for stages that hold frames back.
        repeat: Yield a RepeatFrame for each frame that is missing.
    """

    is_disconnected: Callable[[], bool]
    flush: bool
    repeat: bool


class Scene:
    """Iterates, once, over `first` and the frames behind it in `queue`, as long as they are in the same scene.

    Args:
        first: The first frame.
        queue: The frames behind it.
        counters: The counters of the stream.
        drop: Called with each frame that is dropped, and the reason.

    Attributes:
        first: The first frame.
        next: The frame that is not in the scene and ended it; None at the end of the queue.
        gaps: The behaviour in gaps; None to wait. Set it before iterating.
    """

    def __init__(
        self, first: LiveFrame, queue: DropOldestQueue[LiveFrame], counters: StreamCounters, drop: Drop
    ) -> None:
        self.first = first
        self.next: LiveFrame | None = None
        self.gaps: GapHandling | None = None
        self._queue, self._counters, self._drop = queue, counters, drop
        self._begun = False

    def __iter__(self) -> Iterator[Frame | FlushMarker | RepeatFrame]:
        self._begun = True
        current: LiveFrame | None = self.first
        if len(self._queue):  # `first` waited while the pipeline was built; newer frames are there
            self._drop(self.first, STARTING)
            current = yield from self._frame_after(self.first.frame)
        while current is not None:
            if not same_scene(current, self.first):
                self.next = current
                return
            frame = current.frame
            self._counters.delays.enter(frame.pts, current.arrived)
            yield frame
            current = yield from self._frame_after(frame)

    def end(self) -> None:
        """Count the frames in flight as lost; there are some only after an error."""
        if not self._begun:
            self._drop(self.first, FAILED)
            self._begun = True
        self._counters.drop_in_flight(FAILED)

    def _frame_after(self, last: Frame) -> Generator[FlushMarker | RepeatFrame, None, LiveFrame | None]:
        """The frame after `last`, None at the end; before it, yields markers and repeats for the gap."""
        began, filled_to = time.monotonic(), last.pts
        duration = max(_MIN_DURATION, last.duration)
        gaps = self.gaps if self.gaps and (self.gaps.flush or self.gaps.repeat) else None
        flush = gaps is not None and gaps.flush
        while True:
            try:
                current = self._queue.get(duration / TICKS if gaps else None)
            except TimeoutError:
                assert gaps is not None
                silence = time.monotonic() - began
                if not gaps.is_disconnected() and silence <= max(_MIN_GAP_SECONDS, 3 * duration / TICKS):
                    continue
                if flush:
                    flush = False
                    yield FlushMarker()
                while gaps.repeat and filled_to + 2 * duration <= last.pts + int(silence * TICKS):
                    filled_to += duration
                    self._counters.filled += 1
                    yield RepeatFrame(filled_to, duration)
                continue
            except (Closed, Aborted):
                return None
            if current.frame.pts > filled_to:
                return current
            self._drop(current, FILLED)

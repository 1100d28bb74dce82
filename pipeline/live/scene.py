"""A scene: frames of a live stream that are alike, so that one line can carry them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.frame import Frame
from pipeline.live.counters import Tally
from pipeline.live.input.clock import TICKS
from pipeline.live.input.decoder import Shot
from pipeline.live.output.gap_filler import RepeatFrame
from pipeline.live.process.messages import Streams
from pipeline.media.decoding.interlace.bwdif import FlushMarker
from pipeline.media.reading.media_info import VideoInfo

STARTING = "while starting"  # a session and an encoder
FILLED = "already filled"
FAILED = "lost in a failure"

_LEAST_AGAIN = TICKS // 60  # some streams tell a rate that is none
_GAP_SECONDS = 0.5  # without a frame, at least, before a source counts as away


@dataclass(frozen=True)
class LiveFrame:
    """A frame at the edge, and the sound beside it."""

    shot: Shot
    sound: Streams | None

    def is_like(self, other: LiveFrame) -> bool:
        """Whether one line can carry both."""
        return self.sound == other.sound and _looks(self.shot.video) == _looks(other.shot.video)


def _looks(video: VideoInfo) -> tuple[Any, ...]:
    """What a line is built for; a rate that is told differently at another connection is no reason for another."""
    return video.format, video.source_format, video.sample_aspect, video.display_matrix, video.scan, video.hdr


Drop = Callable[[LiveFrame, str], None]


class Scene:
    """Iterating it, once, gives `first` and the frames at `edge` behind it, while they are like it.

    drop: takes those that are left out. next: the frame that was not like `first`, and ended it; None at the end of
    the edge.
    """

    def __init__(self, first: LiveFrame, edge: DropOldestQueue[LiveFrame], tally: Tally, drop: Drop) -> None:
        self.first = first
        self.next: LiveFrame | None = None
        self._edge, self._tally, self._drop = edge, tally, drop
        self._away: Callable[[], bool] | None = None
        self._pauses = self._fills = False
        self._begun = False

    def tell(self, away: Callable[[], bool], *, pauses: bool, fills: bool) -> None:
        """While the source is `away` or long in coming, give a Pause, and the last frame again and again, as Agains."""
        self._away = away if pauses or fills else None
        self._pauses, self._fills = pauses, fills

    def __iter__(self) -> Iterator[Frame | FlushMarker | RepeatFrame]:
        self._begun = True
        seen: LiveFrame | None = self.first
        if len(self._edge):  # it waited while the line was built: others are nearer to now
            self._drop(self.first, STARTING)
            seen = yield from self._after(self.first.shot.frame)
        while seen is not None:
            if not seen.is_like(self.first):
                self.next = seen
                return
            frame = seen.shot.frame
            self._tally.delays.came(frame.pts, seen.shot.arrived)
            yield frame
            seen = yield from self._after(frame)

    def end(self) -> None:
        """Count what was under way and did not come through; there is some only after an error."""
        if not self._begun:
            self._drop(self.first, FAILED)
            self._begun = True
        self._tally.lose(FAILED)

    def _after(self, last: Frame) -> Generator[FlushMarker | RepeatFrame, None, LiveFrame | None]:
        """The frame after `last`, None when there is none, with what is told while it is long in coming before it."""
        began, until = time.monotonic(), last.pts
        duration = max(_LEAST_AGAIN, last.duration)
        patience = duration / TICKS if self._away else None
        to_pause = self._pauses
        while True:
            try:
                seen = self._edge.get(patience)
            except TimeoutError:
                passed = time.monotonic() - began
                if not self._is_away(passed, duration / TICKS):
                    continue
                if to_pause:
                    to_pause = False
                    yield FlushMarker()
                while self._fills and until + 2 * duration <= last.pts + int(passed * TICKS):
                    until += duration
                    self._tally.filled += 1
                    yield RepeatFrame(until, duration)
                continue
            except (Closed, Aborted):
                return None
            if seen.shot.frame.pts > until:
                return seen
            self._drop(seen, FILLED)

    def _is_away(self, passed: float, lasting: float) -> bool:
        """Whether a source that gave nothing for `passed` seconds is gone, and not just slow."""
        return (self._away is not None and self._away()) or passed > max(_GAP_SECONDS, 3 * lasting)

"""The rate of a session in the steady state: what reaches it is in memory, and what leaves it is discarded."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.media.encoding.parallel_gop import mirrored
from pipeline.superres.session import Session
from pipeline.superres.stages import Collect, Submit

_SECONDS = 1.0  # of measuring, if that is enough for _MIN_FRAMES
_MIN_FRAMES = 3
_QUEUE = 4  # frames between the two threads


class ArrivalTimes(Stage[Frame, Frame]):
    """Discards frames and records when they arrived. The first ones, which fill the session's slots, don't count.

    Args:
        filling: How many those are.
    """

    def __init__(self, filling: int) -> None:
        self._filling = filling
        self._times: list[float] = []

    def feed(self, item: Frame) -> Iterator[Frame]:
        item.release()
        self._times.append(time.perf_counter())
        return iter(())

    @property
    def frames(self) -> int:
        """Number of frames that count, after the first of them."""
        return max(0, len(self._times) - self._filling - 1)

    @property
    def seconds(self) -> float:
        """Time from the first frame that counts to the last."""
        return self._times[-1] - self._times[self._filling] if self.frames else 0.0


def measure_session_rate(session: Session[Any], frames: Sequence[Frame], seconds: float = _SECONDS) -> float:
    """Frames per second of a session: copies and conversions are included, decoder and encoder are not.

    It works in two threads, as in a job: one submits frames, the other one collects them.

    Args:
        session: Nothing is in flight in it.
        frames: Of its source format; they are used forwards and backwards in turn, and not released.
        seconds: How long to measure; longer if three frames take longer.
    """
    arrivals = ArrivalTimes(filling=1 + session.slots[0] + _QUEUE if session.slots[0] else 1)

    def endless() -> Iterator[Frame]:
        for index in itertools.count():
            if arrivals.frames >= _MIN_FRAMES and arrivals.seconds >= seconds:
                return
            yield replace(mirrored(frames, index), pts=index, release=lambda: None)

    stages: dict[str, Stage[Any, Any]] = {"submit": Submit(session), "upscale": Chain(Collect[Any](session), arrivals)}
    pipeline = Pipeline(endless(), stages, _QUEUE)
    pipeline.start()
    pipeline.wait()
    return arrivals.frames / arrivals.seconds

"""Counters of a running stream: rates, dropped frames, delays."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable

import numpy as np

from pipeline.live.stats import Delay
from pipeline.superres.repeats import RepeatDetector

_RATE_SECONDS = 5.0
_DELAY_SECONDS = 60.0

Clock = Callable[[], float]


class Rate:
    """Events per second over the last five seconds. For any thread.

    Args:
        clock: Gives the time in seconds.

    Attributes:
        count: All events so far.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque()
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        """Count an event."""
        with self._lock:
            self.count += 1
            self._times.append(self._clock())
            self._forget_old()

    @property
    def value(self) -> float:
        """Events per second."""
        with self._lock:
            self._forget_old()
            if len(self._times) < 2:
                return 0.0
            elapsed = max(self._clock() - self._times[0], 1e-3)
            return (len(self._times) - 1) / elapsed

    def _forget_old(self) -> None:
        oldest = self._clock() - _RATE_SECONDS
        while self._times and self._times[0] < oldest:
            self._times.popleft()


class Delays:
    """Delays from reading a frame's packet to handing over its encoded packet, over the last minute.

    One thread calls `enter`, another `leave`; any may read.

    Args:
        clock: Gives the time in seconds.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._in_flight: dict[int, float] = {}  # by pts: when the packet of a frame was read
        self._delays: deque[tuple[float, float]] = deque()  # when a frame left, and its delay
        self._lock = threading.Lock()

    def enter(self, pts: int, at: float) -> None:
        """Note that the packet of the frame that will leave with `pts` was read `at`, in seconds of the clock."""
        with self._lock:
            self._in_flight[pts] = at

    def leave(self, pts: int) -> bool:
        """Note that a frame is handed over; False for repeated frames, and others that never entered."""
        now = self._clock()
        with self._lock:
            at = self._in_flight.pop(pts, None)
            if at is not None:
                self._delays.append((now, now - at))
            while self._delays and self._delays[0][0] < now - _DELAY_SECONDS:
                self._delays.popleft()
        return at is not None

    def forget_in_flight(self) -> int:
        """Forget the frames that have entered and not left, as they will not; returns their number."""
        with self._lock:
            count = len(self._in_flight)
            self._in_flight.clear()
        return count

    def figures(self) -> Delay | None:
        """Percentiles of the delays; None if no frame left in the last minute."""
        oldest = self._clock() - _DELAY_SECONDS
        with self._lock:
            delays = [delay for at, delay in self._delays if at >= oldest]
        if not delays:
            return None
        p50, p95, p99 = (float(value) for value in np.percentile(delays, (50, 95, 99)))
        return Delay(p50=p50, p95=p95, p99=p99, frames=len(delays))


class StreamCounters:
    """All counters of one stream, which several threads update.

    Attributes:
        decoded: Frames decoded.
        encoded: Frames of the source that were encoded, without repeated ones.
        delays: The delays of the encoded frames.
        filled: Frames repeated in gaps.
        repeats: Finds the frames that repeat the one before, and counts them.
    """

    def __init__(self) -> None:
        self.decoded, self.encoded = Rate(), Rate()
        self.delays = Delays()
        self.filled = 0
        self.repeats = RepeatDetector()
        self._dropped: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def dropped(self) -> dict[str, int]:
        """Frames that were dropped, by reason."""
        with self._lock:
            return dict(self._dropped)

    def drop(self, reason: str, frames: int = 1) -> None:
        """Count dropped frames."""
        if frames:
            with self._lock:
                self._dropped[reason] += frames

    def drop_in_flight(self, reason: str) -> None:
        """Count all frames that have entered and not left as dropped."""
        self.drop(reason, self.delays.forget_in_flight())

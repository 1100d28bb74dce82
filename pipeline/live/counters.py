"""What is counted while a stream runs: how fast it goes, what was left out and why, how late frames leave."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable

import numpy as np

from pipeline.live.stats import Delay

_RATE_SECONDS = 5.0
_DELAY_SECONDS = 60.0

Clock = Callable[[], float]


class Rate:
    """How many in a second, over the last seconds; any thread may ask."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque()
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        with self._lock:
            self.count += 1
            self._times.append(self._clock())
            self._forget()

    @property
    def value(self) -> float:
        with self._lock:
            self._forget()
            if len(self._times) < 2:
                return 0.0
            lasted = max(self._clock() - self._times[0], 1e-3)
            return (len(self._times) - 1) / lasted

    def _forget(self) -> None:
        oldest = self._clock() - _RATE_SECONDS
        while self._times and self._times[0] < oldest:
            self._times.popleft()


class Delays:
    """From the coming of a frame's packet to the hand-over of what became of it. Two threads: `came`, `left`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._came: dict[int, float] = {}
        self._seen: deque[tuple[float, float]] = deque()
        self._lock = threading.Lock()

    def came(self, pts: int, at: float) -> None:
        """The frame that will leave with `pts` came `at`, in seconds of the clock."""
        with self._lock:
            self._came[pts] = at

    def left(self, pts: int) -> bool:
        """It is handed over now. False for one that never came, or left before: it was repeated, or made up."""
        now = self._clock()
        with self._lock:
            at = self._came.pop(pts, None)
            if at is not None:
                self._seen.append((now, now - at))
            while self._seen and self._seen[0][0] < now - _DELAY_SECONDS:
                self._seen.popleft()
        return at is not None

    def forget(self) -> int:
        """Those that came and did not leave will not; how many there were."""
        with self._lock:
            count = len(self._came)
            self._came.clear()
        return count

    def figures(self) -> Delay | None:
        oldest = self._clock() - _DELAY_SECONDS
        with self._lock:
            delays = [delay for at, delay in self._seen if at >= oldest]
        if not delays:
            return None
        p50, p95, p99 = (float(value) for value in np.percentile(delays, (50, 95, 99)))
        return Delay(p50=p50, p95=p95, p99=p99, frames=len(delays))


class Tally:
    """All that one stream counts, from several threads."""

    def __init__(self) -> None:
        self.came, self.left = Rate(), Rate()
        self.delays = Delays()
        self.filled = 0
        self._dropped: Counter[str] = Counter()
        self._dropping = threading.Lock()

    @property
    def dropped(self) -> dict[str, int]:
        """Frames left out, by reason."""
        with self._dropping:
            return dict(self._dropped)

    def drop(self, reason: str, frames: int = 1) -> None:
        """Count frames that were left out."""
        if frames:
            with self._dropping:
                self._dropped[reason] += frames

    def lose(self, reason: str) -> None:
        """Those that came and did not leave will not."""
        self.drop(reason, self.delays.forget())

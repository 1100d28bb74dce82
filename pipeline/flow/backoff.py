"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


class Backoff:
    """The waits between tries of what may be back in a moment, or in days.

    For `poll_for` seconds from the first failure on they are `poll` seconds; then each is twice the last, up to
    `longest`, less a random part of up to a half, so that many who lost one server don't come back all at once.

    jitter: a number from 0 to 1, anew at each call. clock: seconds.
    """

    def __init__(
        self,
        poll: float = 0.5,
        poll_for: float = 300.0,
        longest: float = 30.0,
        *,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._poll, self._poll_for, self._longest = poll, poll_for, longest
        self._jitter, self._clock = jitter, clock
        self.reset()

    def reset(self) -> None:
        """It worked: the next failure is the first."""
        self._began: float | None = None
        self._step = self._poll

    def wait(self) -> float:
        """It failed: the seconds to wait before the next try."""
        now = self._clock()
        if self._began is None:
            self._began = now
        if now - self._began < self._poll_for:
            return self._poll
        self._step = max(self._poll, min(2 * self._step, self._longest))
        return self._step * (1 - self._jitter() / 2)

"""Wait times between attempts at something that failed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Self


class Backoff:
    """Wait times before the next attempt: constant at first, then doubling up to a limit.

    For `poll_for` seconds from the first failure the wait is `poll` seconds, as a server that restarts is back soon.
    After that, each wait is twice the last, up to `longest`. A random part is subtracted from these, so that many
    clients that lost one server do not reconnect at the same moment.

    Args:
        poll: The first wait in seconds.
        poll_for: Seconds from the first failure in which each wait is `poll`.
        longest: The longest wait in seconds, unless `poll` is longer.
        spread: The largest share of a wait that may be subtracted, 0 to 1.
        jitter: Gives a random number from 0 to 1 at each call.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        poll: float = 0.5,
        poll_for: float = 300.0,
        longest: float = 30.0,
        *,
        spread: float = 0.5,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._poll, self._poll_for, self._longest, self._spread = poll, poll_for, longest, spread
        self._jitter, self._clock = jitter, clock
        self.reset()

    @classmethod
    def doubling(cls, first: float, longest: float) -> Self:
        """Waits of `first` seconds, twice that, and so on up to `longest`, without a random part."""
        return cls(first / 2, 0.0, longest, spread=0.0)

    def reset(self) -> None:
        """Note a success: the next failure is the first one."""
        self._began: float | None = None
        self._step = self._poll

    def wait(self) -> float:
        """Note a failure, and return the seconds to wait before the next attempt."""
        now = self._clock()
        if self._began is None:
            self._began = now
        if now - self._began < self._poll_for:
            return self._poll
        self._step = max(self._poll, min(2 * self._step, self._longest))
        return self._step * (1 - self._spread * self._jitter())

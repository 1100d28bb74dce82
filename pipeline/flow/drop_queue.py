"""The live edge: the only place where what comes too fast waits, and where it is left out."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from pipeline.flow.channel import Aborted, Closed

T = TypeVar("T")

CATCHING_UP, BEHIND = "catching up", "behind"


class DropOldestQueue(Generic[T]):
    """A channel whose giver never waits: where `capacity` items wait, the oldest goes to make room.

    What goes is handed to `dropped`, with the reason: "catching up" with what a source had in store when it was
    connected, that is until nothing waited for once since `restart`, and "behind" from then on. It is called by the
    giving thread, or the aborting one, which may both have it called again.

    most_waiting: how many items ever waited at once.
    """

    def __init__(self, capacity: int, dropped: Callable[[T, str], None]) -> None:
        if capacity < 1:
            raise ValueError(f"an edge's capacity is at least 1, not {capacity}")
        self._capacity = capacity
        self._dropped = dropped
        self._items: deque[T] = deque()
        self._reason = CATCHING_UP
        self._closed = self._aborted = False
        self._filled = threading.Condition()
        self.most_waiting = 0

    def put(self, item: T) -> None:
        """Add `item`, at once; after `abort` it is dropped itself. Raises ValueError after `close`."""
        oldest: list[T] = []
        with self._filled:
            if self._closed:
                raise ValueError("put into a closed edge")
            reason = self._reason
            if self._aborted:
                oldest.append(item)
            else:
                if len(self._items) == self._capacity:
                    oldest.append(self._items.popleft())
                self._items.append(item)
                self.most_waiting = max(self.most_waiting, len(self._items))
                self._filled.notify()
        self._drop(oldest, reason)

    def get(self, timeout: float | None = None) -> T:
        """Wait for the oldest item and take it.

        Raises Closed at the end, Aborted after `abort`, TimeoutError when none came for `timeout` seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._filled:
            while not self._items and not self._closed and not self._aborted:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._filled.wait(left)
            if self._aborted:
                raise Aborted
            if not self._items:
                raise Closed
            item = self._items.popleft()
            if not self._items:
                self._reason = BEHIND
            return item

    def restart(self) -> None:
        """A source was connected: it may have things in store."""
        with self._filled:
            self._reason = CATCHING_UP

    def close(self) -> None:
        """Say that nothing more will be put. What waits can still be taken."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()

    def abort(self) -> None:
        """Wake the taker with Aborted and drop what waits."""
        with self._filled:
            self._aborted = True
            waiting, reason = list(self._items), self._reason
            self._items.clear()
            self._filled.notify_all()
        self._drop(waiting, reason)

    def _drop(self, items: list[T], reason: str) -> None:
        for item in items:
            self._dropped(item, reason)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                yield self.get()
            except Closed:
                return

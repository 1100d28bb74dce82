"""The blocking core of every queue between threads.

Channel, DropOldestQueue and the queues of live streams are policies on top of BlockingBuffer: they decide what is put,
who waits for room and what is dropped. Waiting, waking, closing and aborting are implemented here only.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """The queue was closed and everything in it has been taken."""


class Aborted(Exception):
    """The queue was aborted and its items were discarded; the code that aborted it knows the reason."""


class BlockingBuffer(Generic[T]):
    """Items in first-in, first-out order, under one lock, with two ways to end.

    `close` ends the input: `take` still returns what is left, then raises Closed. `abort` discards the items and raises
    Aborted in everyone who waits. The lock is reentrant, so a policy may hold it around several calls and while it
    changes `items`; the methods that wait release it while they do.

    Attributes:
        lock: Guards everything below.
        items: The items, oldest first. Change them only while holding `lock`.
        closed: True after `close`.
        aborted: True after `abort`.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.items: deque[T] = deque()
        self.closed = False
        self.aborted = False
        self._interrupted = False
        self._filled = threading.Condition(self.lock)
        self._drained = threading.Condition(self.lock)

    def append(self, item: T) -> None:
        """Add `item` and wake one taker. Never waits."""
        with self.lock:
            self.items.append(item)
            self._filled.notify()

    def wait_for_room(self, is_full: Callable[[], bool]) -> None:
        """Wait while `is_full()`, which is called with the lock held whenever an item was taken.

        Raises:
            Aborted: the queue was aborted.
            ValueError: the queue is closed.
        """
        with self.lock:
            while not self.aborted and is_full():
                self._drained.wait()
            if self.aborted:
                raise Aborted
            if self.closed:
                raise ValueError("put into a closed queue")

    def take(self, timeout: float | None = None) -> T:
        """Wait for the oldest item and remove it.

        Args:
            timeout: The longest wait in seconds; None waits without a limit.

        Raises:
            Aborted: the queue was aborted.
            Closed: the queue is closed and empty.
            TimeoutError: no item came in time, or `interrupt` was called.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self.lock:
            while not (self.items or self.closed or self.aborted or self._interrupted):
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._filled.wait(left)
            self._interrupted = False
            if self.aborted:
                raise Aborted
            if self.items:
                item = self.items.popleft()
                self._drained.notify()
                return item
            if self.closed:
                raise Closed
            raise TimeoutError

    def interrupt(self) -> None:
        """End the current or else the next wait of `take` early, with TimeoutError if there is no item."""
        with self.lock:
            self._interrupted = True
            self._filled.notify_all()

    def close(self) -> None:
        """End the input; items that are left can still be taken."""
        with self.lock:
            self.closed = True
            self._filled.notify_all()

    def abort(self) -> list[T]:
        """End both sides at once; return the discarded items, oldest first."""
        with self.lock:
            self.aborted = True
            discarded = list(self.items)
            self.items.clear()
            self._filled.notify_all()
            self._drained.notify_all()
            return discarded


def until_closed(take: Callable[[], T]) -> Iterator[T]:
    """The results of calling `take` until it raises Closed."""
    while True:
        try:
            item = take()
        except Closed:
            return
        yield item

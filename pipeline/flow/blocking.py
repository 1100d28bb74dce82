"""The blocking core of every queue between threads.

Channel, DropOldestQueue and the queues of live streams are policies on top of BlockingBuffer: they decide what is put,
who waits for room and what is dropped. Waiting, waking, closing and aborting are implemented here only.
"""

from __future__ import annotations

import sys
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
        self._takers = 0  # threads that wait for an item
        self._wake_at = -1  # items left when a thread that waits for room is woken; -1 if none waits

    def append(self, item: T) -> None:
        """Add `item` and wake one taker. Never waits."""
        with self.lock:
            self.items.append(item)
            if self._takers:
                self._filled.notify()

    def wait_for_room(self, is_full: Callable[[], bool], in_batches: bool = False) -> None:
        """Wait while `is_full()`.

        Args:
            is_full: Called with the lock held, first and then whenever an item was taken.
            in_batches: Call it again only when half of the items were taken. The thread then finds room for several
                items at once, instead of being woken for each.

        Raises:
            Aborted: the queue was aborted.
            ValueError: the queue is closed.
        """
        with self.lock:
            while not self.aborted and is_full():
                self._wake_at = max(self._wake_at, len(self.items) // 2 if in_batches else sys.maxsize)
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
        with self.lock:
            if not self.items:
                self._wait_for_item(timeout)
            self._interrupted = False
            if self.aborted:
                raise Aborted
            if self.items:
                item = self.items.popleft()
                if len(self.items) <= self._wake_at:
                    self._wake_at = -1
                    self._drained.notify_all()
                return item
            if self.closed:
                raise Closed
            raise TimeoutError

    def _wait_for_item(self, timeout: float | None) -> None:
        """Wait until there is an item, or a reason to wait no longer. Raises TimeoutError."""
        end = None if timeout is None else time.monotonic() + timeout
        self._takers += 1
        try:
            while not (self.items or self.closed or self.aborted or self._interrupted):
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._filled.wait(left)
        finally:
            self._takers -= 1

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

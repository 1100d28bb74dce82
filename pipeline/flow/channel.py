"""A bounded channel between two threads that either end can end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Nothing more will come: the channel was closed, and what it held has been taken."""


class Aborted(Exception):
    """The channel was torn down, whatever it held; the reason is kept by whoever did so."""


def _one(item: object) -> int:
    return 1


class Channel(Generic[T]):
    """First in, first out, holding items of at most `capacity` together.

    `weight` says how much of the capacity an item takes; items that weigh nothing always pass. Nobody blocks for
    ever: `close` (the giving end is done) lets takers drain it and then raises Closed in them, `abort` (either
    end, or a third party) raises Aborted in both ends at once.
    """

    def __init__(self, capacity: int, weight: Callable[[T], int] = _one) -> None:
        if capacity < 1:
            raise ValueError(f"a channel's capacity is at least 1, not {capacity}")
        self._capacity = capacity
        self._weight = weight
        self._items: deque[T] = deque()
        self._load = 0
        self._closed = False
        self._aborted = False
        lock = threading.Lock()
        self._filled = threading.Condition(lock)
        self._drained = threading.Condition(lock)

    def put(self, item: T) -> None:
        """Wait for room, then add `item`. Raises Aborted, or ValueError after `close`."""
        weight = self._weight(item)
        with self._drained:
            while weight and self._load + weight > self._capacity and self._load and not self._aborted:
                self._drained.wait()
            if self._aborted:
                raise Aborted
            if self._closed:
                raise ValueError("put into a closed channel")
            self._items.append(item)
            self._load += weight
            self._filled.notify()

    def get(self) -> T:
        """Wait for the oldest item and take it. Raises Closed at the end, Aborted after `abort`."""
        with self._filled:
            while not self._items and not self._closed and not self._aborted:
                self._filled.wait()
            if self._aborted:
                raise Aborted
            if not self._items:
                raise Closed
            item = self._items.popleft()
            self._load -= self._weight(item)
            self._drained.notify()
            return item

    def close(self) -> None:
        """Say that nothing more will be put. What is inside can still be taken."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()

    def abort(self) -> None:
        """Wake both ends with Aborted and forget what is inside."""
        with self._filled:
            self._aborted = True
            self._items.clear()
            self._filled.notify_all()
            self._drained.notify_all()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                yield self.get()
            except Closed:
                return

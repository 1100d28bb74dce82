"""A bounded channel between two threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from pipeline.flow.blocking import BlockingBuffer, until_closed

T = TypeVar("T")


def _unit_weight(item: object) -> int:
    return 1


class Channel(Generic[T]):
    """A first-in, first-out queue in which the writer waits for room.

    No thread blocks for ever: `close` (by the writer) lets the reader drain the channel and then raises Closed in it;
    `abort` (by anyone) raises Aborted on both sides at once.

    Args:
        capacity: The total weight of the items inside, at least 1. An item heavier than that passes alone.
        weight: The weight of an item, 1 by default. Items that weigh 0 never wait.
        in_batches: A writer that found the channel full goes on when half of the items were taken. It then puts several
            at once, which costs less than being woken for each. The reader is always woken at once.
    """

    def __init__(self, capacity: int, weight: Callable[[T], int] = _unit_weight, in_batches: bool = False) -> None:
        if capacity < 1:
            raise ValueError(f"the capacity of a channel is at least 1, not {capacity}")
        self._capacity = capacity
        self._weight = weight
        self._in_batches = in_batches
        self._load = 0
        self._buffer: BlockingBuffer[T] = BlockingBuffer()

    def put(self, item: T) -> None:
        """Wait for room, then add `item`. Raises Aborted after `abort`, ValueError after `close`."""
        weight, buffer = self._weight(item), self._buffer

        def is_full() -> bool:
            return bool(weight and self._load and self._load + weight > self._capacity)

        with buffer.lock:
            if buffer.closed or buffer.aborted or is_full():
                buffer.wait_for_room(is_full, self._in_batches)
            self._load += weight
            buffer.append(item)

    def get(self) -> T:
        """Wait for the oldest item and remove it. Raises Closed at the end, Aborted after `abort`."""
        with self._buffer.lock:
            item = self._buffer.take()
            self._load -= self._weight(item)
            return item

    def close(self) -> None:
        """End the input. Items that are inside can still be taken."""
        self._buffer.close()

    def abort(self) -> None:
        """Raise Aborted on both sides and discard the items."""
        self._buffer.abort()

    def __len__(self) -> int:
        return len(self._buffer.items)

    def __iter__(self) -> Iterator[T]:
        return until_closed(self.get)

"""A bounded queue that drops its oldest item instead of letting the writer wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from pipeline.flow.blocking import BlockingBuffer, until_closed

T = TypeVar("T")

CATCHING_UP, TOO_SLOW = "catching up", "too slow"


class DropOldestQueue(Generic[T]):
    """A first-in, first-out queue of at most `capacity` items, in which the writer never waits.

    When an item comes and the queue is full, the oldest item is dropped. The reason is "catching up" until the queue
    was empty once after `restart` (the source delivers what it had buffered before it was connected) and "too slow"
    from then on (the reader is).

    Args:
        capacity: The number of items, at least 1.
        dropped: Called with each dropped item and the reason, without the lock, by the thread that puts or aborts; both
            may call it at the same time.

    Attributes:
        most_waiting: The largest number of items that ever waited at once.
    """

    def __init__(self, capacity: int, dropped: Callable[[T, str], None]) -> None:
        if capacity < 1:
            raise ValueError(f"the capacity of a queue is at least 1, not {capacity}")
        self._capacity = capacity
        self._dropped = dropped
        self._reason = CATCHING_UP
        self._buffer: BlockingBuffer[T] = BlockingBuffer()
        self.most_waiting = 0

    def put(self, item: T) -> None:
        """Add `item` at once; after `abort` it is dropped itself. Raises ValueError after `close`."""
        buffer = self._buffer
        dropped: list[T] = []
        with buffer.lock:
            if buffer.closed:
                raise ValueError("put into a closed queue")
            reason = self._reason
            if buffer.aborted:
                dropped.append(item)
            else:
                if len(buffer.items) == self._capacity:
                    dropped.append(buffer.items.popleft())
                buffer.append(item)
                self.most_waiting = max(self.most_waiting, len(buffer.items))
        self._report(dropped, reason)

    def get(self, timeout: float | None = None) -> T:
        """Wait for the oldest item and remove it.

        Args:
            timeout: The longest wait in seconds; None waits without a limit.

        Raises:
            Aborted: the queue was aborted.
            Closed: the queue is closed and empty.
            TimeoutError: no item came in time; `get` can be called again.
        """
        with self._buffer.lock:
            item = self._buffer.take(timeout)
            if not self._buffer.items:
                self._reason = TOO_SLOW
            return item

    def restart(self) -> None:
        """Note that a source was connected, which may deliver buffered items first."""
        with self._buffer.lock:
            self._reason = CATCHING_UP

    def close(self) -> None:
        """End the input. Items that wait can still be taken."""
        self._buffer.close()

    def abort(self) -> None:
        """Raise Aborted in the reader and drop the items that wait."""
        with self._buffer.lock:
            waiting, reason = self._buffer.abort(), self._reason
        self._report(waiting, reason)

    def _report(self, dropped: Iterable[T], reason: str) -> None:
        for item in dropped:
            self._dropped(item, reason)

    def __len__(self) -> int:
        return len(self._buffer.items)

    def __iter__(self) -> Iterator[T]:
        return until_closed(self.get)

"""A drop-oldest queue: the writer never waits, and every dropped item is reported."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.drop_queue import CATCHING_UP, TOO_SLOW, DropOldestQueue
from tests.waiting import blocked_in, in_thread, joined, until


class Dropped(list[tuple[int, str]]):
    """The items that a queue dropped, with the reasons."""

    def __call__(self, item: int, reason: str) -> None:
        self.append((item, reason))


def test_a_full_queue_drops_its_oldest_item() -> None:
    dropped = Dropped()
    queue: DropOldestQueue[int] = DropOldestQueue(2, dropped)
    for item in range(5):
        queue.put(item)
    assert [item for item, _ in dropped] == [0, 1, 2]
    assert (queue.get(), queue.get()) == (3, 4)


def test_the_reason_is_catching_up_until_the_queue_was_empty_once_and_then_too_slow() -> None:
    dropped = Dropped()
    queue: DropOldestQueue[int] = DropOldestQueue(1, dropped)
    queue.put(0)
    queue.put(1)
    queue.get()
    queue.put(2)
    queue.put(3)
    queue.restart()
    queue.put(4)
    assert dropped == [(0, CATCHING_UP), (2, TOO_SLOW), (3, CATCHING_UP)]


def test_most_waiting_is_the_largest_number_that_ever_waited() -> None:
    queue: DropOldestQueue[int] = DropOldestQueue(3, Dropped())
    queue.put(0)
    queue.put(1)
    queue.get()
    assert (queue.most_waiting, len(queue)) == (2, 1)


def test_get_without_an_item_raises_timeout_error_and_can_be_called_again() -> None:
    queue: DropOldestQueue[int] = DropOldestQueue(1, Dropped())
    with pytest.raises(TimeoutError):
        queue.get(0.01)
    queue.put(1)
    assert queue.get(0.01) == 1


@pytest.mark.parametrize(("end", "outcome"), [(DropOldestQueue.close, Closed), (DropOldestQueue.abort, Aborted)])
def test_close_and_abort_wake_a_waiting_get(
    end: Callable[[DropOldestQueue[int]], None], outcome: type[Exception]
) -> None:
    queue: DropOldestQueue[int] = DropOldestQueue(1, Dropped())
    thread, result = in_thread(queue.get)
    until(lambda: blocked_in(thread, "wait"))
    end(queue)
    joined(thread)
    assert result == [outcome]


def test_close_lets_the_reader_take_waiting_items() -> None:
    queue: DropOldestQueue[int] = DropOldestQueue(2, Dropped())
    queue.put(1)
    queue.close()
    assert list(queue) == [1]
    with pytest.raises(ValueError, match="closed"):
        queue.put(2)


def test_abort_drops_waiting_and_later_items() -> None:
    dropped = Dropped()
    queue: DropOldestQueue[int] = DropOldestQueue(2, dropped)
    queue.put(1)
    queue.abort()
    queue.put(2)
    assert [item for item, _ in dropped] == [1, 2]
    with pytest.raises(Aborted):
        queue.get()


def test_the_dropped_callback_may_use_the_queue() -> None:
    queue: DropOldestQueue[int] = DropOldestQueue(1, lambda item, reason: seen.append(len(queue)))
    seen: list[int] = []
    queue.put(0)
    thread, _ = in_thread(lambda: queue.put(1))
    joined(thread)
    assert seen == [1]


def test_a_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        DropOldestQueue(0, Dropped())


@given(steps=st.lists(st.sampled_from(["put", "get", "restart"])), capacity=st.integers(1, 4), aborts=st.booleans())
def test_every_item_is_returned_dropped_or_left_in_order(steps: list[str], capacity: int, aborts: bool) -> None:
    dropped, got, put = Dropped(), [], 0
    queue: DropOldestQueue[int] = DropOldestQueue(capacity, dropped)
    for step in steps:
        if step == "put":
            queue.put(put)
            put += 1
        elif step == "restart":
            queue.restart()
        elif len(queue):
            got.append(queue.get())
        assert len(queue) <= capacity
    if aborts:
        queue.abort()
    else:
        queue.close()
    left = [] if aborts else list(queue)
    removed = [item for item, _ in dropped]
    assert sorted(got + removed + left) == list(range(put))
    assert got + left == sorted(got + left)
    assert removed == sorted(removed)


@given(count=st.integers(0, 200))
def test_two_threads_lose_no_item(count: int) -> None:
    dropped = Dropped()
    queue: DropOldestQueue[int] = DropOldestQueue(2, dropped)

    def put_all() -> None:
        for item in range(count):
            queue.put(item)
        queue.close()

    thread, _ = in_thread(put_all)
    got = list(queue)
    joined(thread)
    assert sorted(got + [item for item, _ in dropped]) == list(range(count))

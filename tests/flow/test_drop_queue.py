"""The live edge: whoever gives never waits, and nothing is lost unseen."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.drop_queue import BEHIND, CATCHING_UP, DropOldestQueue


class Dropped(list[tuple[int, str]]):
    """What an edge left out, and why."""

    def __call__(self, item: int, reason: str) -> None:
        self.append((item, reason))


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run `work` aside; what it returns or raises lands in the list."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(type(error))

    thread = threading.Thread(target=run, name="uprez-test")
    thread.start()
    return thread, outcome


def test_where_there_is_no_room_the_oldest_goes() -> None:
    dropped = Dropped()
    edge: DropOldestQueue[int] = DropOldestQueue(2, dropped)
    for item in range(5):
        edge.put(item)
    assert [item for item, _ in dropped] == [0, 1, 2]
    assert (edge.get(), edge.get()) == (3, 4)


def test_until_it_was_empty_once_it_is_catching_up_and_then_behind() -> None:
    dropped = Dropped()
    edge: DropOldestQueue[int] = DropOldestQueue(1, dropped)
    edge.put(0)
    edge.put(1)
    edge.get()
    edge.put(2)
    edge.put(3)
    edge.restart()
    edge.put(4)
    assert dropped == [(0, CATCHING_UP), (2, BEHIND), (3, CATCHING_UP)]


def test_it_knows_the_most_that_ever_waited() -> None:
    edge: DropOldestQueue[int] = DropOldestQueue(3, Dropped())
    edge.put(0)
    edge.put(1)
    edge.get()
    assert (edge.most_waiting, len(edge)) == (2, 1)


def test_a_get_without_an_item_in_time_says_so_and_can_be_tried_again() -> None:
    edge: DropOldestQueue[int] = DropOldestQueue(1, Dropped())
    with pytest.raises(TimeoutError):
        edge.get(0.01)
    edge.put(1)
    assert edge.get(0.01) == 1


@pytest.mark.parametrize(("act", "outcome"), [(DropOldestQueue.close, Closed), (DropOldestQueue.abort, Aborted)])
def test_whoever_waits_is_woken_at_the_end(
    act: Callable[[DropOldestQueue[int]], None], outcome: type[Exception]
) -> None:
    edge: DropOldestQueue[int] = DropOldestQueue(1, Dropped())
    thread, came = in_thread(edge.get)
    act(edge)
    thread.join(20)
    assert came == [outcome]


def test_close_lets_what_waits_be_taken() -> None:
    edge: DropOldestQueue[int] = DropOldestQueue(2, Dropped())
    edge.put(1)
    edge.close()
    assert list(edge) == [1]
    with pytest.raises(ValueError, match="closed"):
        edge.put(2)


def test_abort_drops_what_waits_and_what_comes_after() -> None:
    dropped = Dropped()
    edge: DropOldestQueue[int] = DropOldestQueue(2, dropped)
    edge.put(1)
    edge.abort()
    edge.put(2)
    assert [item for item, _ in dropped] == [1, 2]
    with pytest.raises(Aborted):
        edge.get()


def test_whoever_is_told_of_a_dropped_item_may_ask_the_edge() -> None:
    edge: DropOldestQueue[int] = DropOldestQueue(1, lambda item, reason: seen.append(len(edge)))
    seen: list[int] = []
    edge.put(0)
    thread, _ = in_thread(lambda: edge.put(1))
    thread.join(20)
    assert seen == [1]


def test_a_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        DropOldestQueue(0, Dropped())


@given(steps=st.lists(st.sampled_from(["put", "get", "restart"])), capacity=st.integers(1, 4), aborts=st.booleans())
def test_every_item_is_got_dropped_or_left_once_and_in_order(steps: list[str], capacity: int, aborts: bool) -> None:
    dropped, got, put = Dropped(), [], 0
    edge: DropOldestQueue[int] = DropOldestQueue(capacity, dropped)
    for step in steps:
        if step == "put":
            edge.put(put)
            put += 1
        elif step == "restart":
            edge.restart()
        elif len(edge):
            got.append(edge.get())
        assert len(edge) <= capacity
    if aborts:
        edge.abort()
    else:
        edge.close()
    left = [] if aborts else list(edge)
    gone = [item for item, _ in dropped]
    assert sorted(got + gone + left) == list(range(put))
    assert got + left == sorted(got + left)
    assert gone == sorted(gone)


@given(count=st.integers(0, 200))
def test_two_threads_lose_nothing_between_them(count: int) -> None:
    dropped = Dropped()
    edge: DropOldestQueue[int] = DropOldestQueue(2, dropped)

    def put_all() -> None:
        for item in range(count):
            edge.put(item)
        edge.close()

    thread, _ = in_thread(put_all)
    got = list(edge)
    thread.join(20)
    assert sorted(got + [item for item, _ in dropped]) == list(range(count))

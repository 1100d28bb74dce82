"""A channel: bounded, in order, and nobody waits for ever."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.channel import Channel


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


@settings(deadline=None)
@given(items=st.lists(st.integers()), capacity=st.integers(1, 5))
def test_everything_put_comes_out_in_order(items: list[int], capacity: int) -> None:
    channel: Channel[int] = Channel(capacity)

    def put_all() -> None:
        for item in items:
            channel.put(item)
        channel.close()

    thread, _ = in_thread(put_all)
    assert list(channel) == items
    thread.join()


def test_put_waits_for_room_and_goes_on_when_there_is_some() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    thread, outcome = in_thread(lambda: channel.put(2))
    thread.join(0.1)
    assert thread.is_alive()
    assert channel.get() == 1
    thread.join(5)
    assert outcome == [None]
    assert channel.get() == 2


def test_what_weighs_nothing_always_passes() -> None:
    channel: Channel[int] = Channel(1, weight=lambda item: item)
    for item in (1, 0, 0, 0):
        channel.put(item)
    assert len(channel) == 4


def test_what_is_heavier_than_the_capacity_passes_alone() -> None:
    channel: Channel[int] = Channel(2, weight=lambda item: item)
    channel.put(5)
    assert channel.get() == 5


def test_get_waits_for_an_item() -> None:
    channel: Channel[int] = Channel(1)
    thread, outcome = in_thread(channel.get)
    thread.join(0.1)
    assert thread.is_alive()
    channel.put(3)
    thread.join(5)
    assert outcome == [3]


def test_close_lets_takers_drain_it_and_then_ends_them() -> None:
    channel: Channel[int] = Channel(2)
    channel.put(1)
    channel.close()
    assert channel.get() == 1
    with pytest.raises(Closed):
        channel.get()


def test_close_ends_a_get_that_waits() -> None:
    channel: Channel[int] = Channel(1)
    thread, outcome = in_thread(channel.get)
    channel.close()
    thread.join(5)
    assert outcome == [Closed]


def test_put_into_a_closed_channel_is_a_mistake() -> None:
    channel: Channel[int] = Channel(1)
    channel.close()
    with pytest.raises(ValueError, match="closed"):
        channel.put(1)


def test_abort_ends_a_get_that_waits() -> None:
    channel: Channel[int] = Channel(1)
    thread, outcome = in_thread(channel.get)
    channel.abort()
    thread.join(5)
    assert outcome == [Aborted]


def test_abort_ends_a_put_that_waits() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    thread, outcome = in_thread(lambda: channel.put(2))
    channel.abort()
    thread.join(5)
    assert outcome == [Aborted]


def test_abort_forgets_what_is_inside() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    channel.abort()
    with pytest.raises(Aborted):
        channel.get()


def test_a_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        Channel(0)

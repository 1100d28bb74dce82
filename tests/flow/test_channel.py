"""A channel is bounded, keeps the order, and lets nobody wait for ever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.channel import Channel
from tests.waiting import blocked_in, in_thread, joined, until


@settings(deadline=None)
@given(items=st.lists(st.integers()), capacity=st.integers(1, 5))
def test_a_channel_yields_all_items_in_order(items: list[int], capacity: int) -> None:
    channel: Channel[int] = Channel(capacity)

    def put_all() -> None:
        for item in items:
            channel.put(item)
        channel.close()

    thread, _ = in_thread(put_all)
    assert list(channel) == items
    joined(thread)


def test_put_waits_until_there_is_room() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    thread, outcome = in_thread(lambda: channel.put(2))
    until(lambda: blocked_in(thread, "wait"))
    assert channel.get() == 1
    joined(thread)
    assert outcome == [None]
    assert channel.get() == 2


def test_in_batches_put_goes_on_when_half_of_the_items_were_taken() -> None:
    channel: Channel[int] = Channel(4, in_batches=True)
    for item in range(4):
        channel.put(item)
    thread, outcome = in_thread(lambda: channel.put(4))
    until(lambda: blocked_in(thread, "wait"))
    assert channel.get() == 0
    assert not outcome
    assert blocked_in(thread, "wait")
    assert channel.get() == 1
    joined(thread)
    assert outcome == [None]
    assert [channel.get() for _ in range(3)] == [2, 3, 4]


@settings(deadline=None)
@given(weights=st.lists(st.integers(0, 6)), capacity=st.integers(1, 5))
def test_in_batches_all_items_pass_in_order_and_never_exceed_the_capacity(weights: list[int], capacity: int) -> None:
    channel: Channel[int] = Channel(capacity, weight=lambda item: item, in_batches=True)
    inside: list[int] = []

    def put_all() -> None:
        for weight in weights:
            channel.put(weight)
            inside.append(weight)
        channel.close()

    thread, _ = in_thread(put_all)
    taken: list[int] = []
    for item in channel:
        taken.append(item)
        waiting = inside[len(taken) :]
        assert sum(waiting) <= capacity or max(waiting) > capacity
    assert taken == weights
    joined(thread)


def test_items_that_weigh_nothing_never_wait() -> None:
    channel: Channel[int] = Channel(1, weight=lambda item: item)
    for item in (1, 0, 0, 0):
        channel.put(item)
    assert len(channel) == 4


def test_an_item_heavier_than_the_capacity_passes_alone() -> None:
    channel: Channel[int] = Channel(2, weight=lambda item: item)
    channel.put(5)
    assert channel.get() == 5


def test_get_waits_for_an_item() -> None:
    channel: Channel[int] = Channel(1)
    thread, outcome = in_thread(channel.get)
    until(lambda: blocked_in(thread, "wait"))
    channel.put(3)
    joined(thread)
    assert outcome == [3]


def test_close_lets_the_reader_drain_the_channel_and_then_ends_it() -> None:
    channel: Channel[int] = Channel(2)
    channel.put(1)
    channel.close()
    assert channel.get() == 1
    with pytest.raises(Closed):
        channel.get()


def test_close_wakes_a_waiting_get() -> None:
    channel: Channel[int] = Channel(1)
    thread, outcome = in_thread(channel.get)
    until(lambda: blocked_in(thread, "wait"))
    channel.close()
    joined(thread)
    assert outcome == [Closed]


def test_put_into_a_closed_channel_raises_value_error() -> None:
    channel: Channel[int] = Channel(1)
    channel.close()
    with pytest.raises(ValueError, match="closed"):
        channel.put(1)


def test_abort_wakes_a_waiting_get() -> None:
    channel: Channel[int] = Channel(1)
    thread, outcome = in_thread(channel.get)
    until(lambda: blocked_in(thread, "wait"))
    channel.abort()
    joined(thread)
    assert outcome == [Aborted]


def test_abort_wakes_a_waiting_put() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    thread, outcome = in_thread(lambda: channel.put(2))
    until(lambda: blocked_in(thread, "wait"))
    channel.abort()
    joined(thread)
    assert outcome == [Aborted]


def test_abort_discards_the_items() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    channel.abort()
    assert len(channel) == 0
    with pytest.raises(Aborted):
        channel.get()


def test_a_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        Channel(0)

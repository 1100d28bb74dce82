"""The blocking core: items leave in order, and every waiting thread is woken by either end."""

from collections.abc import Callable

import pytest

from pipeline.flow.blocking import Aborted, BlockingBuffer, Closed, until_closed
from tests.waiting import blocked_in, in_thread, joined, until


def test_take_returns_items_in_the_order_of_append() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    for item in range(3):
        buffer.append(item)
    assert [buffer.take() for _ in range(3)] == [0, 1, 2]


def test_take_without_an_item_raises_timeout_error_and_can_be_called_again() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    with pytest.raises(TimeoutError):
        buffer.take(0.01)
    buffer.append(1)
    assert buffer.take(0) == 1


def test_interrupt_ends_the_next_wait_but_only_that() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    buffer.interrupt()
    with pytest.raises(TimeoutError):
        buffer.take()
    buffer.append(1)
    assert buffer.take() == 1


def test_interrupt_wakes_a_waiting_take() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    thread, outcome = in_thread(buffer.take)
    until(lambda: blocked_in(thread, "wait"))
    buffer.interrupt()
    joined(thread)
    assert outcome == [TimeoutError]


def test_take_returns_an_item_despite_an_interrupt() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    buffer.append(1)
    buffer.interrupt()
    assert buffer.take() == 1


@pytest.mark.parametrize(("end", "outcome"), [(BlockingBuffer.close, Closed), (BlockingBuffer.abort, Aborted)])
def test_either_end_wakes_a_waiting_take(
    end: Callable[[BlockingBuffer[int]], object], outcome: type[Exception]
) -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    thread, result = in_thread(buffer.take)
    until(lambda: blocked_in(thread, "wait"))
    end(buffer)
    joined(thread)
    assert result == [outcome]


def test_wait_for_room_goes_on_when_an_item_is_taken() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    buffer.append(1)
    thread, outcome = in_thread(lambda: buffer.wait_for_room(lambda: bool(buffer.items)))
    until(lambda: blocked_in(thread, "wait"))
    buffer.take()
    joined(thread)
    assert outcome == [None]


def test_wait_for_room_is_woken_by_abort() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    thread, outcome = in_thread(lambda: buffer.wait_for_room(lambda: True))
    until(lambda: blocked_in(thread, "wait"))
    buffer.abort()
    joined(thread)
    assert outcome == [Aborted]


def test_wait_for_room_of_a_closed_buffer_raises_value_error() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    buffer.close()
    with pytest.raises(ValueError, match="closed"):
        buffer.wait_for_room(lambda: False)


def test_abort_returns_the_discarded_items() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    buffer.append(1)
    buffer.append(2)
    assert buffer.abort() == [1, 2]
    assert not buffer.items


def test_until_closed_yields_what_is_left_and_ends() -> None:
    buffer: BlockingBuffer[int] = BlockingBuffer()
    buffer.append(1)
    buffer.close()
    assert list(until_closed(buffer.take)) == [1]

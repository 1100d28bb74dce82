"""The queue of an output drops complete GOPs. Packets here are 0.2 s apart; every fifth is a key frame."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.blocking import Closed
from pipeline.live.output.gop_queue import DISCONNECTED, NO_KEY, SLOW, GopQueue, Item, StreamStart
from pipeline.live.process.messages import SerializedPacket, StreamHeader

GOP = 5
STREAMS = StreamHeader(b"", (None,))


def frame(number: int, size: int = 1) -> SerializedPacket:
    pts = number * 18_000
    return SerializedPacket(0, bytes(size), pts, pts, 0, number % GOP == 0, 0.0)


def audio(number: int) -> SerializedPacket:
    return SerializedPacket(1, b"s", number * 9600, None, 0, True, 0.0)


def number(item: Item | None) -> int:
    assert isinstance(item, SerializedPacket)
    assert item.pts is not None
    return item.pts // 18_000


def take_all(queue: GopQueue) -> list[Item]:
    items = []
    while (item := queue.take(0)) is not None:
        items.append(item)
    return items


def test_packets_leave_in_order() -> None:
    queue = GopQueue(10, 1000)
    queue.start(STREAMS)
    for packet in (frame(0), audio(0), frame(1)):
        queue.put(packet)
    assert take_all(queue) == [StreamStart(STREAMS), frame(0), audio(0), frame(1)]
    assert queue.seconds == 0
    assert not queue.dropped


def test_packets_before_the_first_key_frame_are_dropped() -> None:
    queue = GopQueue(10, 1000)
    for packet in (frame(3), audio(3), frame(4), frame(5)):
        queue.put(packet)
    assert take_all(queue) == [frame(5)]
    assert queue.dropped == {NO_KEY: 2}


def test_the_oldest_gop_and_its_audio_are_dropped_after_too_much_time() -> None:
    queue = GopQueue(2, 1000)
    for index in range(12):
        queue.put(frame(index))
        queue.put(audio(index))
    assert [number(item) for item in take_all(queue) if isinstance(item, SerializedPacket) and not item.stream] == list(
        range(5, 12)
    )
    assert queue.dropped == {SLOW: 5}


def test_the_oldest_gop_is_dropped_after_too_many_bytes() -> None:
    queue = GopQueue(100, 1000)
    for index in range(12):
        queue.put(frame(index, size=100))
    assert [number(item) for item in take_all(queue)] == list(range(5, 12))


def test_the_rest_of_a_partly_taken_gop_is_dropped() -> None:
    queue = GopQueue(2, 1000)
    for index in range(3):
        queue.put(frame(index))
    assert [number(queue.take(0)), number(queue.take(0))] == [0, 1]
    for index in range(3, 13):
        queue.put(frame(index))
    assert [number(item) for item in take_all(queue)] == list(range(5, 13))
    assert queue.dropped == {SLOW: 3}


def test_a_gop_larger_than_the_queue_is_dropped_up_to_the_next_key_frame() -> None:
    queue = GopQueue(100, 3)
    for index in range(7):
        queue.put(frame(index))
    assert [number(item) for item in take_all(queue)] == [5, 6]
    assert queue.dropped == {SLOW: 5}


def test_a_gap_between_timestamps_does_not_fill_the_queue() -> None:
    queue = GopQueue(2, 1000)
    queue.put(frame(0))
    queue.put(frame(5000))
    assert [number(item) for item in take_all(queue)] == [0, 5000]


def test_only_the_newest_header_is_kept_while_the_output_is_disconnected() -> None:
    queue = GopQueue(10, 1000)
    queue.start(StreamHeader(b"old", (None,)))
    queue.put(frame(0))
    queue.start(STREAMS)
    queue.put(frame(5))
    queue.disconnect()
    queue.put(frame(10))
    assert take_all(queue) == [StreamStart(STREAMS)]
    assert queue.dropped == {DISCONNECTED: 3}
    assert queue.connect()
    for index in (11, 15):
        queue.put(frame(index))
    assert [number(item) for item in take_all(queue)] == [15]
    assert queue.dropped == {DISCONNECTED: 3, NO_KEY: 1}


def test_a_full_queue_keeps_the_newest_header_before_its_first_packet() -> None:
    queue = GopQueue(100, 3)
    queue.start(StreamHeader(b"old", (None,)))
    queue.put(frame(0))
    queue.start(STREAMS)
    for index in (5, 6, 7):
        queue.put(frame(index))
    assert take_all(queue) == [StreamStart(STREAMS), frame(5), frame(6), frame(7)]
    queue.start(StreamHeader(b"old", (None,)))
    queue.put(frame(10))
    queue.start(STREAMS)
    for index in (15, 20, 21, 22):
        queue.put(frame(index))
    assert take_all(queue) == [StreamStart(STREAMS), frame(20), frame(21), frame(22)]


def test_a_closed_queue_is_drained_and_then_raises_closed() -> None:
    queue = GopQueue(10, 1000)
    queue.put(frame(0))
    queue.close()
    queue.put(frame(1))
    assert queue.take(0) == frame(0)
    with pytest.raises(Closed):
        queue.take(0)


def test_wake_ends_the_next_wait() -> None:
    queue = GopQueue(10, 1000)
    queue.wake()
    assert queue.take(60) is None


@given(st.lists(st.sampled_from(["put", "audio", "take", "disconnect", "connect", "start"]), max_size=120))
def test_packets_taken_can_be_decoded_and_all_are_accounted_for(steps: list[str]) -> None:
    queue = GopQueue(2, 12)
    numbers: list[int] = []
    put = 0

    def offer() -> None:
        nonlocal put
        queue.put(frame(put, size=1 + put % 3))
        put += 1

    def take() -> None:
        item = queue.take(0)
        if isinstance(item, SerializedPacket) and not item.stream:
            numbers.append(number(item))

    actions: dict[str, Callable[[], object]] = {
        "put": offer,
        "audio": lambda: queue.put(audio(put)),
        "take": take,
        "disconnect": queue.disconnect,
        "connect": queue.connect,
        "start": lambda: queue.start(STREAMS),
    }
    for step in steps:
        actions[step]()
    numbers += [number(item) for item in take_all(queue) if isinstance(item, SerializedPacket) and not item.stream]
    for earlier, later in zip([-1, *numbers], numbers, strict=False):
        assert later % GOP == 0 or later == earlier + 1
    assert put == len(numbers) + queue.dropped.total()
    assert queue.seconds == 0

"""SerializedPackets here are numbers: key frames every fifth, each a fifth of a second after the one before."""

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


def sound(number: int) -> SerializedPacket:
    return SerializedPacket(1, b"s", number * 9600, None, 0, True, 0.0)


def number(item: Item | None) -> int:
    assert isinstance(item, SerializedPacket)
    assert item.pts is not None
    return item.pts // 18_000


def taken(queue: GopQueue) -> list[Item]:
    items = []
    while (item := queue.take(0)) is not None:
        items.append(item)
    return items


def test_what_was_put_comes_out_in_order() -> None:
    queue = GopQueue(10, 1000)
    queue.start(STREAMS)
    for packet in (frame(0), sound(0), frame(1)):
        queue.put(packet)
    assert taken(queue) == [StreamStart(STREAMS), frame(0), sound(0), frame(1)]
    assert queue.seconds == 0
    assert not queue.dropped


def test_it_begins_at_a_key_frame_and_without_the_sound_before() -> None:
    queue = GopQueue(10, 1000)
    for packet in (frame(3), sound(3), frame(4), frame(5)):
        queue.put(packet)
    assert taken(queue) == [frame(5)]
    assert queue.dropped == {NO_KEY: 2}


def test_the_oldest_gop_leaves_when_it_is_full_of_time_and_its_sound_with_it() -> None:
    queue = GopQueue(2, 1000)
    for index in range(12):
        queue.put(frame(index))
        queue.put(sound(index))
    assert [number(item) for item in taken(queue) if isinstance(item, SerializedPacket) and not item.stream] == list(
        range(5, 12)
    )
    assert queue.dropped == {SLOW: 5}


def test_the_oldest_gop_leaves_when_it_is_full_of_bytes() -> None:
    queue = GopQueue(100, 1000)
    for index in range(12):
        queue.put(frame(index, size=100))
    assert [number(item) for item in taken(queue)] == list(range(5, 12))


def test_of_a_gop_that_was_begun_the_rest_leaves() -> None:
    queue = GopQueue(2, 1000)
    for index in range(3):
        queue.put(frame(index))
    assert [number(queue.take(0)), number(queue.take(0))] == [0, 1]
    for index in range(3, 13):
        queue.put(frame(index))
    assert [number(item) for item in taken(queue)] == list(range(5, 13))
    assert queue.dropped == {SLOW: 3}


def test_a_gop_that_is_too_long_leaves_as_a_whole_and_the_next_key_frame_goes_on() -> None:
    queue = GopQueue(100, 3)
    for index in range(7):
        queue.put(frame(index))
    assert [number(item) for item in taken(queue)] == [5, 6]
    assert queue.dropped == {SLOW: 5}


def test_a_gap_in_the_stream_is_nothing_that_waits() -> None:
    queue = GopQueue(2, 1000)
    queue.put(frame(0))
    queue.put(frame(5000))
    assert [number(item) for item in taken(queue)] == [0, 5000]


def test_while_the_output_is_away_everything_is_dropped_but_what_it_will_begin_with() -> None:
    queue = GopQueue(10, 1000)
    queue.start(StreamHeader(b"old", (None,)))
    queue.put(frame(0))
    queue.start(STREAMS)
    queue.put(frame(5))
    queue.disconnect()
    queue.put(frame(10))
    assert taken(queue) == [StreamStart(STREAMS)]
    assert queue.dropped == {DISCONNECTED: 3}
    assert queue.connect()
    for index in (11, 15):
        queue.put(frame(index))
    assert [number(item) for item in taken(queue)] == [15]
    assert queue.dropped == {DISCONNECTED: 3, NO_KEY: 1}


def test_full_it_keeps_the_newest_beginning_before_its_first_packet() -> None:
    queue = GopQueue(100, 3)
    queue.start(StreamHeader(b"old", (None,)))
    queue.put(frame(0))
    queue.start(STREAMS)
    for index in (5, 6, 7):
        queue.put(frame(index))
    assert taken(queue) == [StreamStart(STREAMS), frame(5), frame(6), frame(7)]
    queue.start(StreamHeader(b"old", (None,)))
    queue.put(frame(10))
    queue.start(STREAMS)
    for index in (15, 20, 21, 22):
        queue.put(frame(index))
    assert taken(queue) == [StreamStart(STREAMS), frame(20), frame(21), frame(22)]


def test_closed_it_gives_the_rest_and_then_says_so() -> None:
    queue = GopQueue(10, 1000)
    queue.put(frame(0))
    queue.close()
    queue.put(frame(1))
    assert queue.take(0) == frame(0)
    with pytest.raises(Closed):
        queue.take(0)


def test_who_waits_is_woken() -> None:
    queue = GopQueue(10, 1000)
    queue.wake()
    assert queue.take(60) is None


@given(st.lists(st.sampled_from(["put", "sound", "take", "leave", "come", "begin"]), max_size=120))
def test_whatever_happens_what_is_taken_can_be_decoded_and_every_frame_is_accounted_for(steps: list[str]) -> None:
    queue = GopQueue(2, 12)
    got: list[int] = []
    put = 0

    def offer() -> None:
        nonlocal put
        queue.put(frame(put, size=1 + put % 3))
        put += 1

    def take() -> None:
        item = queue.take(0)
        if isinstance(item, SerializedPacket) and not item.stream:
            got.append(number(item))

    does: dict[str, Callable[[], object]] = {
        "put": offer,
        "sound": lambda: queue.put(sound(put)),
        "take": take,
        "leave": queue.disconnect,
        "come": queue.connect,
        "begin": lambda: queue.start(STREAMS),
    }
    for step in steps:
        does[step]()
    got += [number(item) for item in taken(queue) if isinstance(item, SerializedPacket) and not item.stream]
    for earlier, later in zip([-1, *got], got, strict=False):
        assert later % GOP == 0 or later == earlier + 1
    assert put == len(got) + queue.dropped.total()
    assert queue.seconds == 0

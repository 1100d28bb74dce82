"""What is read waits for a moment, and where it isn't taken, it is left out up to a key frame."""

import itertools
import threading
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted
from pipeline.live.input.packet_buffer import PacketBuffer, SourceEvent
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket

LATE = "not decoded in time"


def picture(at: float, key: bool = False, size: int = 10) -> SerializedPacket:
    return SerializedPacket(0, bytes(size), round(at * 1000), None, 40, key, at)


def sound(at: float) -> SerializedPacket:
    return SerializedPacket(1, b"sound", round(at * 1000), None, 20, True, at)


def left(buffer: PacketBuffer) -> list[SourceEvent]:
    events = []
    try:
        while True:
            events.append(buffer.get(0))
    except TimeoutError:
        return events


def test_what_is_taken_in_time_comes_whole_and_in_order() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    events = [
        ConnectionOpened(),
        picture(0, True),
        sound(0),
        picture(0.04),
        ConnectionLost("ended", ""),
        ConnectionOpened(),
        picture(1, True),
    ]
    for event in events:
        buffer.put(event)
    assert left(buffer) == events
    assert not skipped


def test_a_key_frame_replaces_what_waited_for_a_second() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    opened, key = ConnectionOpened(), picture(1.2, True)
    for event in (opened, picture(0, True), sound(0.1), picture(0.5), key, sound(1.3)):
        buffer.put(event)
    assert left(buffer) == [opened, key, sound(1.3)]
    assert skipped == {LATE: 2}


def test_where_there_is_no_room_it_goes_on_at_the_next_key_frame() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    big = 30 << 20
    lost = ConnectionLost("ended", "")
    for event in (picture(0, True, big), lost, picture(0.1, size=big), picture(0.2, size=big), picture(0.3)):
        buffer.put(event)
    key = picture(0.4, True)
    buffer.put(key)
    assert left(buffer) == [lost, key]
    assert skipped == {LATE: 4}


def test_a_picture_that_is_too_big_for_the_buffer_passes_alone() -> None:
    buffer = PacketBuffer(Counter())
    huge = picture(0, True, 70 << 20)
    buffer.put(huge)
    assert left(buffer) == [huge]


def test_sound_without_a_picture_is_bounded_too() -> None:
    buffer = PacketBuffer(Counter())
    for index in range(2000):
        buffer.put(sound(index / 50))
    assert len(left(buffer)) == 1000


def test_abort_wakes_a_waiting_reader() -> None:
    buffer = PacketBuffer(Counter())
    threading.Timer(0.01, buffer.abort).start()
    with pytest.raises(Aborted):
        buffer.get(20)


def test_who_waits_in_vain_is_told() -> None:
    with pytest.raises(TimeoutError):
        PacketBuffer(Counter()).get(0.001)


STEPS = st.sampled_from(["key", "picture", "sound", "take", "lost"])


@given(st.lists(st.tuples(STEPS, st.floats(0, 0.7)), max_size=60))
def test_every_picture_is_taken_or_counted_and_what_is_taken_can_be_decoded(steps: list[tuple[str, float]]) -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    put: list[SourceEvent] = []
    taken: list[SourceEvent] = []
    now = 0.0
    for step, passed in steps:
        now += passed
        match step:
            case "take":
                taken += left(buffer)
            case "lost":
                buffer.put(ConnectionLost("ended", ""))
            case "sound":
                buffer.put(sound(now))
            case kind:
                put.append(replace(picture(now, kind == "key"), pts=len(put)))
                buffer.put(put[-1])
    taken += left(buffer)
    pictures = [event for event in taken if isinstance(event, SerializedPacket) and event.stream == 0]
    assert len(put) == len(pictures) + skipped[LATE]
    for before, after in itertools.pairwise(pictures):
        assert before.pts is not None
        assert after.pts is not None
        assert after.pts == before.pts + 1 or (after.pts > before.pts and after.is_keyframe)

"""Packets wait for a moment; when they are not decoded in time, they are dropped up to a key frame."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted
from pipeline.live.input.packet_buffer import PacketBuffer, SourceEvent
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket
from tests.waiting import DEADLINE, blocked_in, in_thread, joined, until

LATE = "not decoded in time"


def video(at: float, key: bool = False, size: int = 10) -> SerializedPacket:
    return SerializedPacket(0, bytes(size), round(at * 1000), None, 40, key, at)


def audio(at: float) -> SerializedPacket:
    return SerializedPacket(1, b"audio", round(at * 1000), None, 20, True, at)


def remaining(buffer: PacketBuffer) -> list[SourceEvent]:
    events = []
    try:
        while True:
            events.append(buffer.get(0))
    except TimeoutError:
        return events


def test_events_that_are_taken_in_time_are_complete_and_in_order() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    events: list[SourceEvent] = [
        ConnectionOpened(),
        video(0, True),
        audio(0),
        video(0.04),
        ConnectionLost("ended", ""),
        ConnectionOpened(),
        video(1, True),
    ]
    for event in events:
        buffer.put(event)
    assert remaining(buffer) == events
    assert not skipped


def test_a_key_frame_replaces_packets_that_waited_for_a_second() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    opened, key = ConnectionOpened(), video(1.2, True)
    for event in (opened, video(0, True), audio(0.1), video(0.5), key, audio(1.3)):
        buffer.put(event)
    assert remaining(buffer) == [opened, key, audio(1.3)]
    assert skipped == {LATE: 2}


def test_a_full_buffer_drops_packets_up_to_the_next_key_frame() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    big = 30 << 20
    lost = ConnectionLost("ended", "")
    for event in (video(0, True, big), lost, video(0.1, size=big), video(0.2, size=big), video(0.3)):
        buffer.put(event)
    key = video(0.4, True)
    buffer.put(key)
    assert remaining(buffer) == [lost, key]
    assert skipped == {LATE: 4}


def test_a_packet_larger_than_the_buffer_passes_alone() -> None:
    buffer = PacketBuffer(Counter())
    huge = video(0, True, 70 << 20)
    buffer.put(huge)
    assert remaining(buffer) == [huge]


def test_audio_without_video_is_bounded_too() -> None:
    buffer = PacketBuffer(Counter())
    for index in range(2000):
        buffer.put(audio(index / 50))
    assert len(remaining(buffer)) == 1000


def test_abort_wakes_a_waiting_reader() -> None:
    buffer = PacketBuffer(Counter())
    thread, outcome = in_thread(lambda: buffer.get(DEADLINE))
    until(lambda: blocked_in(thread, "wait"))
    buffer.abort()
    joined(thread)
    assert outcome == [Aborted]


def test_packets_that_wait_and_that_come_after_an_abort_are_counted() -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    before: list[SourceEvent] = [ConnectionOpened(), video(0, True), audio(0), video(0.04)]
    after: list[SourceEvent] = [video(0.08), audio(0.08), ConnectionLost("ended", "")]
    for event in before:
        buffer.put(event)
    buffer.abort()
    buffer.abort()
    for event in after:
        buffer.put(event)
    assert skipped == {"connection given up": 3}
    with pytest.raises(Aborted):
        buffer.get(0)


def test_get_raises_timeout_error_without_an_event() -> None:
    with pytest.raises(TimeoutError):
        PacketBuffer(Counter()).get(0.001)


STEPS = st.sampled_from(["key", "video", "audio", "take", "lost"])


@given(st.lists(st.tuples(STEPS, st.floats(0, 0.7)), max_size=60))
def test_every_packet_is_taken_or_counted_and_those_taken_can_be_decoded(steps: list[tuple[str, float]]) -> None:
    skipped: Counter[str] = Counter()
    buffer = PacketBuffer(skipped)
    put: list[SourceEvent] = []
    taken: list[SourceEvent] = []
    now = 0.0
    for step, passed in steps:
        now += passed
        match step:
            case "take":
                taken += remaining(buffer)
            case "lost":
                buffer.put(ConnectionLost("ended", ""))
            case "audio":
                buffer.put(audio(now))
            case kind:
                put.append(replace(video(now, kind == "key"), pts=len(put)))
                buffer.put(put[-1])
    taken += remaining(buffer)
    packets = [event for event in taken if isinstance(event, SerializedPacket) and event.stream == 0]
    assert len(put) == len(packets) + skipped[LATE]
    for before, after in itertools.pairwise(packets):
        assert before.pts is not None
        assert after.pts is not None
        assert after.pts == before.pts + 1 or (after.pts > before.pts and after.is_keyframe)

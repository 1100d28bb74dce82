"""One clock out of several."""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading.timestamp_repair import TimestampRepair

FRAME = Fraction(1, 25)
BASE = Fraction(1, 90_000)


@dataclass
class Packet:
    """As much of a packet as a clock looks at."""

    stream_index: int
    dts: int | None
    kind: str = "video"
    duration: int = 3600
    pts: int | None = None
    time_base: Fraction = BASE

    @property
    def stream(self) -> Any:
        return SimpleNamespace(type=self.kind)


def mended(packets: list[Packet]) -> tuple[list[int | None], TimestampRepair]:
    clock = TimestampRepair(FRAME)
    for packet in packets:
        clock.repair(packet)  # type: ignore[arg-type]
    return [packet.dts for packet in packets], clock


def test_a_steady_clock_is_left_alone() -> None:
    times = [3600 * i for i in range(20)]
    assert mended([Packet(0, time) for time in times]) == (
        times,
        TimestampRepair(FRAME, [], [Fraction(0)], {0: Fraction(0)}, *_end(times)),
    )


def _end(times: list[int]) -> tuple[dict[int, Fraction], Fraction]:
    last = times[-1] * BASE
    return {0: last + FRAME}, last


@pytest.mark.parametrize("jump", [-7200, 5, 31, 3600])
def test_a_jump_is_closed_to_one_frame_and_told(jump: int) -> None:
    ticks = jump * 90_000
    times, clock = mended([Packet(0, 3600 * i + (ticks if i >= 10 else 0) + 90_000 * 8000) for i in range(20)])
    kept = 0 < jump <= 30
    assert times[10:] == [90_000 * 8000 + 3600 * i + (ticks if kept else 0) for i in range(10, 20)]
    assert clock.jumps == ([] if kept else [jump])


def test_a_gap_of_a_few_seconds_is_a_gap() -> None:
    times = [0, 3600, 3600 + 90_000 * 29]
    assert mended([Packet(0, time) for time in times])[0] == times


def test_sound_follows_the_picture_over_a_jump_and_keeps_its_distance() -> None:
    packets = []
    for i in range(40):
        moved = 90_000 * 500 if i >= 20 else 0
        packets += [Packet(0, 3600 * i + moved), Packet(1, 3600 * i + 700 + moved, "audio")]
    _, clock = mended(packets)
    distances = {b.dts - a.dts for a, b in zip(packets[::2], packets[1::2], strict=True)}  # type: ignore[operator]
    assert distances == {700}
    assert len(clock.jumps) == 1


def test_packets_of_before_a_jump_that_come_after_it_stay_where_they_belong() -> None:
    late = Packet(1, 3600 * 19, "audio")
    packets = [Packet(i % 2, 3600 * (i // 2), ("video", "audio")[i % 2]) for i in range(38)]
    packets += [Packet(0, 90_000 * 500), late, Packet(1, 90_000 * 500 + 3600, "audio")]
    times, clock = mended(packets)
    assert times[-2] == 3600 * 19
    assert len(clock.jumps) == 1


def test_a_subtitle_after_a_long_pause_is_no_jump() -> None:
    packets = [
        Packet(2, 0, "subtitle"),
        *(Packet(0, 3600 * i) for i in range(2000)),
        Packet(2, 3600 * 1999, "subtitle"),
    ]
    times, clock = mended(packets)
    assert times[-1] == 3600 * 1999
    assert not clock.jumps


def test_sound_that_falls_silent_for_long_comes_back_at_its_time() -> None:
    packets = [Packet(1, 0, "audio"), *(Packet(0, 3600 * i) for i in range(2000)), Packet(1, 3600 * 2000, "audio")]
    times, clock = mended(packets)
    assert times[-1] == 3600 * 2000
    assert not clock.jumps


def test_a_packet_without_times_is_left_alone() -> None:
    assert mended([Packet(0, 0), Packet(0, None)])[0] == [0, None]


@given(st.lists(st.integers(-(10**6), 10**6), max_size=6), st.integers(2, 9))
def test_whatever_the_jumps_time_goes_on_and_streams_stay_together(jumps: list[int], length: int) -> None:
    packets = []
    for epoch, jump in enumerate([0, *jumps]):
        for i in range(length):
            ticks = 3600 * (epoch * length + i) + 90_000 * jump
            packets += [Packet(0, ticks), Packet(1, ticks + 500, "audio")]
    mended(packets)
    picture = [packet.dts for packet in packets[::2]]
    steps = [b - a for a, b in itertools.pairwise(picture)]  # type: ignore[operator]
    assert all(0 <= step <= 3600 + 30 * 90_000 for step in steps)
    assert {s.dts - p.dts for p, s in zip(packets[::2], packets[1::2], strict=True)} == {500}  # type: ignore[operator]

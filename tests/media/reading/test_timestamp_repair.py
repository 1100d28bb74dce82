"""Timestamps continue over jumps, all streams stay in sync, and intended gaps are kept."""

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
    """A stand-in for a packet, with the attributes that TimestampRepair reads."""

    stream_index: int
    dts: int | None
    kind: str = "video"
    duration: int = 3600
    pts: int | None = None
    time_base: Fraction = BASE

    @property
    def stream(self) -> Any:
        return SimpleNamespace(type=self.kind)


def repair(packets: list[Packet]) -> tuple[list[int | None], TimestampRepair]:
    timestamps = TimestampRepair(FRAME)
    for packet in packets:
        timestamps.repair(packet)  # type: ignore[arg-type]  # a stand-in
    return [packet.dts for packet in packets], timestamps


def test_continuous_timestamps_are_unchanged() -> None:
    times = [3600 * i for i in range(20)]
    assert repair([Packet(0, time) for time in times]) == (
        times,
        TimestampRepair(FRAME, [], [Fraction(0)], {0: Fraction(0)}, *_end(times)),
    )


def _end(times: list[int]) -> tuple[dict[int, Fraction], Fraction]:
    last = times[-1] * BASE
    return {0: last + FRAME}, last


@pytest.mark.parametrize("jump", [-7200, 5, 31, 3600])
def test_jump_is_reduced_to_one_frame_and_recorded(jump: int) -> None:
    ticks = jump * 90_000
    times, timestamps = repair([Packet(0, 3600 * i + (ticks if i >= 10 else 0) + 90_000 * 8000) for i in range(20)])
    kept = 0 < jump <= 30
    assert times[10:] == [90_000 * 8000 + 3600 * i + (ticks if kept else 0) for i in range(10, 20)]
    assert timestamps.jumps == ([] if kept else [jump])


def test_gap_below_30_seconds_is_kept() -> None:
    times = [0, 3600, 3600 + 90_000 * 29]
    assert repair([Packet(0, time) for time in times])[0] == times


def test_audio_stays_in_sync_over_a_jump() -> None:
    packets = []
    for i in range(40):
        moved = 90_000 * 500 if i >= 20 else 0
        packets += [Packet(0, 3600 * i + moved), Packet(1, 3600 * i + 700 + moved, "audio")]
    _, timestamps = repair(packets)
    distances = {b.dts - a.dts for a, b in zip(packets[::2], packets[1::2], strict=True)}  # type: ignore[operator]
    assert distances == {700}
    assert len(timestamps.jumps) == 1


def test_late_packet_from_before_a_jump_keeps_its_time() -> None:
    late = Packet(1, 3600 * 19, "audio")
    packets = [Packet(i % 2, 3600 * (i // 2), ("video", "audio")[i % 2]) for i in range(38)]
    packets += [Packet(0, 90_000 * 500), late, Packet(1, 90_000 * 500 + 3600, "audio")]
    times, timestamps = repair(packets)
    assert times[-2] == 3600 * 19
    assert len(timestamps.jumps) == 1


def test_subtitle_after_a_long_pause_is_no_jump() -> None:
    packets = [
        Packet(2, 0, "subtitle"),
        *(Packet(0, 3600 * i) for i in range(2000)),
        Packet(2, 3600 * 1999, "subtitle"),
    ]
    times, timestamps = repair(packets)
    assert times[-1] == 3600 * 1999
    assert not timestamps.jumps


def test_audio_after_a_long_silence_keeps_its_time() -> None:
    packets = [Packet(1, 0, "audio"), *(Packet(0, 3600 * i) for i in range(2000)), Packet(1, 3600 * 2000, "audio")]
    times, timestamps = repair(packets)
    assert times[-1] == 3600 * 2000
    assert not timestamps.jumps


def test_packet_without_timestamps_is_unchanged() -> None:
    assert repair([Packet(0, 0), Packet(0, None)])[0] == [0, None]


@given(st.lists(st.integers(-(10**6), 10**6), max_size=6), st.integers(2, 9))
def test_any_jumps_leave_time_continuous_and_streams_in_sync(jumps: list[int], length: int) -> None:
    packets = []
    for epoch, jump in enumerate([0, *jumps]):
        for i in range(length):
            ticks = 3600 * (epoch * length + i) + 90_000 * jump
            packets += [Packet(0, ticks), Packet(1, ticks + 500, "audio")]
    repair(packets)
    video = [packet.dts for packet in packets[::2]]
    steps = [b - a for a, b in itertools.pairwise(video)]  # type: ignore[operator]
    assert all(0 <= step <= 3600 + 30 * 90_000 for step in steps)
    assert {s.dts - p.dts for p, s in zip(packets[::2], packets[1::2], strict=True)} == {500}  # type: ignore[operator]

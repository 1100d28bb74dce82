"""GapDetector counts missing frames next to damage and in streams of constant rate, and nowhere else."""

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest

from pipeline.media.decoding.missing_frames import GapDetector

FRAME = Fraction(1, 25)


@dataclass
class Packet:
    """A stand-in for a packet, with the attributes that GapDetector reads."""

    dts: int | None
    duration: int | None = 3600
    time_base: Fraction = Fraction(1, 90_000)


def count_missing(times: list[int | None], damaged: Set[int] = frozenset(), everywhere: bool = False) -> int:
    gaps = GapDetector(FRAME, everywhere)
    packets: list[Any] = [Packet(time) for time in times]
    return sum(gaps.missing_before(packet, number in damaged) for number, packet in enumerate(packets))


def frames(*numbers: int) -> list[int | None]:
    return [3600 * number for number in numbers]


def test_gap_next_to_damage_is_counted() -> None:
    assert count_missing(frames(0, 1, 2, 6, 7), damaged={2}) == 3
    assert count_missing(frames(0, 1, 2, 3, 7), damaged={2}) == 3


def test_gap_away_from_damage_is_intended() -> None:
    assert count_missing(frames(0, 1, 2, 6, 7)) == 0
    assert count_missing(frames(0, *range(1, 20), 40), damaged={1}) == 0


def test_short_gap_in_a_stream_of_constant_rate_is_counted() -> None:
    assert count_missing(frames(*range(20), 22, 23), everywhere=True) == 2
    assert count_missing(frames(*range(5), 7, 8), everywhere=True) == 0
    assert count_missing(frames(*range(20), 300), everywhere=True) == 0


def test_single_frames_that_were_not_captured_are_not_missing() -> None:
    assert count_missing(frames(*range(20), *range(21, 40), *range(41, 60)), everywhere=True) == 0
    assert count_missing(frames(*range(20), 21, 22), damaged={19}, everywhere=True) == 1


@pytest.mark.parametrize("rounding", [0, 1])
def test_a_field_that_is_shown_longer_is_no_missing_frame(rounding: int) -> None:
    telecine: list[int | None] = [*accumulate([5400 + rounding, 3600] * 20, initial=0)]
    assert count_missing(telecine, damaged=set(range(41)), everywhere=True) == 0


def test_a_frame_that_is_shown_for_several_durations_is_followed_by_no_missing_frame() -> None:
    packets: list[Any] = [Packet(time, duration) for time, duration in [(0, 3600), (3600, 10800), (14400, 3600)]]
    gaps = GapDetector(FRAME, everywhere=True)
    assert [gaps.missing_before(packet, damaged=True) for packet in packets] == [0, 0, 0]


@pytest.mark.parametrize("times", [[], [None, None], [0, None, 3600]])
def test_packets_without_timestamps_are_ignored(times: list[int | None]) -> None:
    assert count_missing(times, damaged={0, 1, 2}) == 0

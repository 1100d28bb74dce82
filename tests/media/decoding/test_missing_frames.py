"""Frames that fell into holes."""

from dataclasses import dataclass
from fractions import Fraction

import pytest

from pipeline.media.decoding.missing_frames import GapDetector

FRAME = Fraction(1, 25)


@dataclass
class Packet:
    dts: int | None
    time_base: Fraction = Fraction(1, 90_000)


def missed(times: list[int | None], damaged: set[int] = frozenset(), everywhere: bool = False) -> int:  # type: ignore[assignment]
    gaps = GapDetector(FRAME, everywhere)
    return sum(gaps.missing_before(Packet(time), number in damaged) for number, time in enumerate(times))  # type: ignore[arg-type]


def frames(*numbers: int) -> list[int | None]:
    return [3600 * number for number in numbers]


def test_a_gap_beside_damage_is_a_hole() -> None:
    assert missed(frames(0, 1, 2, 6, 7), damaged={2}) == 3
    assert missed(frames(0, 1, 2, 3, 7), damaged={2}) == 3


def test_a_gap_elsewhere_is_meant_to_be_one() -> None:
    assert missed(frames(0, 1, 2, 6, 7)) == 0
    assert missed(frames(0, *range(1, 20), 40), damaged={1}) == 0


def test_a_short_gap_in_a_stream_that_was_steady_is_a_hole() -> None:
    assert missed(frames(*range(20), 22, 23), everywhere=True) == 2
    assert missed(frames(*range(5), 7, 8), everywhere=True) == 0
    assert missed(frames(*range(20), 300), everywhere=True) == 0


@pytest.mark.parametrize("times", [[], [None, None], [0, None, 3600]])
def test_packets_without_times_tell_nothing(times: list[int | None]) -> None:
    assert missed(times, damaged={0, 1, 2}) == 0

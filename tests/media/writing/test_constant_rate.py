"""Frames that are not evenly spaced are noted where the output has a constant rate."""

from fractions import Fraction

from pipeline.media.writing.constant_rate import ConstantRateCheck


def check(*times: Fraction) -> ConstantRateCheck:
    checked = ConstantRateCheck(Fraction(25))
    for time in times:
        checked.add(time)
    return checked


def test_an_even_rate_may_begin_at_any_time() -> None:
    checked = check(*(3 + Fraction(index, 25) for index in range(10)))
    assert checked.deviation == 0
    assert checked.notes("y4m") == []


def test_a_deviation_of_less_than_a_frame_is_not_noted() -> None:
    checked = check(Fraction(0), Fraction(1, 25) + Fraction(1, 30))
    assert checked.deviation == Fraction(1, 30)
    assert checked.notes("y4m") == []


def test_a_deviation_of_a_frame_or_more_is_noted_with_the_rate() -> None:
    assert check(Fraction(0), Fraction(1, 5)).notes("a sequence of images") == [
        "the frames are not evenly spaced (they deviate by up to 0.16 s); "
        "a sequence of images has a constant rate of 25 frames/s"
    ]

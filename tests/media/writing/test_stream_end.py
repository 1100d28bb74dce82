"""The end of a stream is that of its last packet by the clock of the source."""

from fractions import Fraction

import av
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading.source import Packet
from pipeline.media.writing.stream_end import ExpectedEnd, StreamEnd

MS = Fraction(1, 1000)


def end_of(*times: int | None, step: Fraction = Fraction(0), is_reordered: bool = False) -> ExpectedEnd | None:
    end = StreamEnd(step, is_reordered)
    for pts in times:
        packet: Packet = av.Packet(b"x")
        packet.pts, packet.duration, packet.time_base = pts, 5, MS
        end.add(packet)
    return end.expected(is_divided=False, may_go_on=False)


@given(times=st.lists(st.integers(-1000, 100_000), min_size=1, unique=True))
def test_it_is_the_time_of_the_latest_packet(times: list[int]) -> None:
    expected = ExpectedEnd(max(times) * MS, MS)
    assert end_of(*sorted(times)) == end_of(*times, is_reordered=True) == expected


def test_it_is_unknown_if_the_last_packet_has_no_time_or_goes_back() -> None:
    assert end_of() is end_of(0, 5, None) is end_of(0, 10, 5) is None


def test_packets_that_share_the_last_time_may_follow_each_other() -> None:
    assert end_of(0, 20, 20, 20) == ExpectedEnd(20 * MS, 11 * MS)


def test_the_end_of_samples_is_when_the_last_packet_ends() -> None:
    end = StreamEnd(Fraction(0), is_reordered=False)
    packet: Packet = av.Packet(b"x")
    packet.pts, packet.duration, packet.time_base = 20, 5, MS
    end.add(packet)
    assert end.expected(is_divided=True, may_go_on=False) == ExpectedEnd(25 * MS, MS, is_divided=True)

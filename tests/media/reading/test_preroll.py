"""What an edit list hides of streams that are copied."""

from dataclasses import dataclass
from fractions import Fraction

from pipeline.media.reading.preroll import Preroll


@dataclass
class Packet:
    """As much of a packet as counts here: AAC's frames at 48 kHz."""

    pts: int | None
    is_discard: bool = False
    stream_index: int = 1
    time_base: Fraction = Fraction(1, 48_000)


def kept(*packets: Packet) -> list[int | None]:
    preroll = Preroll()
    return [packet.pts for given in packets for packet in preroll.feed(given)]  # type: ignore[arg-type]


def test_priming_comes_along() -> None:
    assert kept(Packet(-1024, True), Packet(0), Packet(1024)) == [-1024, 0, 1024]


def test_what_is_hidden_long_before_stays_hidden() -> None:
    hidden = [Packet(-1024 * n, True) for n in range(40, 0, -1)]
    assert kept(*hidden, Packet(0)) == [-4096, -3072, -2048, -1024, 0]


def test_streams_are_told_apart() -> None:
    assert kept(Packet(-48_000, True), Packet(-1024, True, 2), Packet(0), Packet(0, stream_index=2)) == [0, -1024, 0]


def test_what_is_hidden_at_the_end_stays_hidden() -> None:
    assert kept(Packet(0), Packet(1024, True)) == [0]


def test_a_packet_without_a_time_is_not_judged_by_it() -> None:
    assert kept(Packet(None, True), Packet(0)) == [None, 0]

"""Of the packets that an edit list hides, those are kept that decoders need to start."""

from dataclasses import dataclass
from fractions import Fraction

from pipeline.media.reading.preroll import Preroll


@dataclass
class Packet:
    """A stand-in for a packet of AAC at 48 kHz, with the attributes that Preroll reads."""

    pts: int | None
    is_discard: bool = False
    stream_index: int = 1
    time_base: Fraction = Fraction(1, 48_000)


def kept_pts(*packets: Packet) -> list[int | None]:
    preroll = Preroll()
    return [packet.pts for each in packets for packet in preroll.feed(each)]  # type: ignore[arg-type]  # stand-ins


def test_priming_packet_is_kept() -> None:
    assert kept_pts(Packet(-1024, True), Packet(0), Packet(1024)) == [-1024, 0, 1024]


def test_packets_hidden_long_before_are_dropped() -> None:
    hidden = [Packet(-1024 * n, True) for n in range(40, 0, -1)]
    assert kept_pts(*hidden, Packet(0)) == [-4096, -3072, -2048, -1024, 0]


def test_streams_are_kept_apart() -> None:
    assert kept_pts(Packet(-48_000, True), Packet(-1024, True, 2), Packet(0), Packet(0, stream_index=2)) == [
        0,
        -1024,
        0,
    ]


def test_packets_hidden_at_the_end_are_dropped() -> None:
    assert kept_pts(Packet(0), Packet(1024, True)) == [0]


def test_hidden_packet_without_a_timestamp_is_kept() -> None:
    assert kept_pts(Packet(None, True), Packet(0)) == [None, 0]

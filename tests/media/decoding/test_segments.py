"""Segments have the packets of a GOP and of the leading frames after it, and judge what is decoded from them."""

from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.media.decoding.ledger import LedgerEntry
from pipeline.media.decoding.random_access import AccessPoint
from pipeline.media.decoding.segments import Irregular, Segment, SegmentCutter


@dataclass
class Coded:
    """A stand-in for a packet."""

    pts: int
    point: AccessPoint
    size: int = 100


@dataclass
class DecodedFrame:
    """A stand-in for a decoded frame."""

    pts: int | None
    interlaced_frame: bool = False


def cutter(min_packets: int = 1) -> SegmentCutter:
    return SegmentCutter(lambda packet: packet.point, min_packets)  # type: ignore[attr-defined]


def feed(cutter: SegmentCutter, stream: str, sets: frozenset[bytes] = frozenset(), hidden: str = "") -> list[Segment]:
    """Feeds frames such as "I0 P3 B1 B2"; the number is the frame's time. I frames are starts."""
    segments: list[Segment] = []
    for number, name in enumerate(stream.split(), start=len(cutter.packets)):
        is_key = name[0] == "I"
        packet: Any = Coded(number, AccessPoint(is_key, sets if is_key else frozenset()))
        pts = None if name[1:] == "?" else int(name[1:])
        segments += cutter.add(packet, LedgerEntry(packet, pts, 1, is_key, hidden=name in hidden.split()))
    return segments


def cut(stream: str, min_packets: int = 1, hidden: str = "") -> list[tuple[list[Any], list[Any]]]:
    """The numbers of each segment's own and of all of its packets."""
    made = cutter(min_packets)
    segments = feed(made, stream, hidden=hidden) + made.finish()
    return [([p.pts for p in segment.own], [p.pts for p in segment.packets]) for segment in segments]


def frame_at(number: int | None, interlaced: bool = False) -> Any:
    return DecodedFrame(number, interlaced)


def test_closed_gops_share_nothing() -> None:
    assert cut("I0 P1 P2 I3 P4 I5") == [([0, 1, 2],) * 2, ([3, 4],) * 2, ([5],) * 2]


def test_packets_up_to_the_last_leading_one_are_shared() -> None:
    assert cut("I0 P3 B1 B2 I6 B4 B5 P8 B7") == [
        ([0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6]),
        ([4, 5, 6, 7, 8], [4, 5, 6, 7, 8]),
    ]


def test_short_gops_are_joined() -> None:
    assert [own for own, _ in cut("I0 I1 I2 I3 I4", min_packets=2)] == [[0, 1], [2, 3], [4]]


def test_start_that_is_not_shown_or_not_later_than_all_before_is_not_used() -> None:
    assert len(cut("I0 P2 I1 P3")) == 1
    assert len(cut("I0 P1 I2 P3", hidden="I2")) == 1


def test_stream_must_begin_with_a_start() -> None:
    made = cutter()
    with pytest.raises(Irregular, match="does not begin"):
        feed(made, "P0 P1")
    assert len(made.packets) == 1


def test_packet_without_a_timestamp_is_kept() -> None:
    made = cutter()
    with pytest.raises(Irregular, match="no timestamp"):
        feed(made, "I0 P1 P?")
    assert len(made.packets) == 3


def test_packet_with_other_parameters_of_the_codec_is_kept() -> None:
    made = SegmentCutter(lambda _: AccessPoint(True), 1, b"first")
    for number, extradata in enumerate([None, b"first", None]):
        packet: Any = Coded(number, AccessPoint(True))
        made.add(packet, LedgerEntry(packet, number, 1, True, extradata=extradata))
    packet = Coded(3, AccessPoint(True))
    with pytest.raises(Irregular, match="parameters change"):
        made.add(packet, LedgerEntry(packet, 3, 1, True, extradata=b"second"))
    assert made.packets[-1].pts == 3


def test_long_gop_is_irregular() -> None:
    with pytest.raises(Irregular, match="among 1001 packets"):
        cut("I0 " + " ".join(f"P{index}" for index in range(1, 2000)))


def test_start_must_repeat_all_parameter_sets() -> None:
    made = cutter()
    old, new = frozenset([b"old"]), frozenset([b"new"])
    feed(made, "I0 P1", old)
    feed(made, "I2 P3", new)
    feed(made, "I4 P5", new)
    feed(made, "I6 P7", old | new)
    assert [len(segment.own) for segment in made.finish()] == [6, 2]


def segments_of_open_gops() -> list[Segment]:
    made = cutter()
    return feed(made, "I0 P3 B1 B2 I6 B4 B5 P8 B7") + made.finish()


def test_leading_frames_belong_to_the_segment_before() -> None:
    first, second = segments_of_open_gops()
    assert [number for number in (0, 2, 3, 1, 5, 6, 4) if first.wants(frame_at(number))] == [0, 2, 3, 1, 5, 6]
    assert [number for number in (5, 6, 4, 8, 7) if second.wants(frame_at(number))] == [4, 8, 7]
    first.check_complete()
    second.check_complete()


def test_missing_frame_is_irregular() -> None:
    first, _ = segments_of_open_gops()
    for number in (0, 2, 3, 1, 5):
        first.wants(frame_at(number))
    with pytest.raises(Irregular, match="1 packets yield no frame"):
        first.check_complete()


@pytest.mark.parametrize("numbers", [(0, 1, 2), (0, 0), (0, None), (0, 99)])
def test_frames_in_another_order_than_their_timestamps_are_irregular(numbers: tuple[int | None, ...]) -> None:
    first, _ = segments_of_open_gops()
    frames = [frame_at(number) for number in numbers]
    with pytest.raises(Irregular, match="order"):
        list(filter(first.wants, frames))


def test_interlaced_frames_are_irregular() -> None:
    with pytest.raises(Irregular, match="interlaced"):
        segments_of_open_gops()[0].wants(frame_at(0, interlaced=True))

"""PacketLedger matches frames to packets, and counts those that are missing."""

from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.media.decoding.ledger import LedgerEntry, PacketLedger


@dataclass
class Packet:
    """A stand-in for a packet, with the attributes that PacketLedger reads."""

    pts: int | None
    dts: int = 0
    is_keyframe: bool = False
    is_discard: bool = False
    duration: int = 40
    size: int = 100
    extradata: bytes = b""

    def has_sidedata(self, kind: str) -> bool:
        return kind == "new_extradata" and bool(self.extradata)

    def get_sidedata(self, kind: str) -> bytes:
        assert kind == "new_extradata"
        return self.extradata


@dataclass
class DecodedFrame:
    """A stand-in for a decoded frame."""

    pts: int | None
    interlaced_frame: bool = False


def enter(ledger: PacketLedger, *packets: Any) -> list[Any]:
    for packet in packets:
        ledger.enter(packet)
    return list(packets)


def match(ledger: PacketLedger, number: int | None, interlaced: bool = False, reordered: bool = True) -> LedgerEntry:
    frame: Any = DecodedFrame(number, interlaced)
    return ledger.match(frame, reordered)


def match_pts(ledger: PacketLedger, number: int | None) -> int | None:
    return match(ledger, number).pts


def test_frames_get_the_timestamps_of_their_packets_in_any_order() -> None:
    ledger = PacketLedger(40)
    packets = enter(ledger, Packet(0, is_keyframe=True), Packet(120), Packet(40), Packet(40))
    assert [packet.pts for packet in packets] == [0, 1, 2, 3]
    assert [match_pts(ledger, number) for number in (0, 2, 3, 1)] == [0, 40, 40, 120]
    assert ledger.outstanding == 0


def test_missing_frame_is_outstanding_unless_it_is_hidden() -> None:
    ledger = PacketLedger(40)
    enter(ledger, Packet(0, is_keyframe=True), Packet(40), Packet(80, is_discard=True), Packet(120))
    match_pts(ledger, 0)
    assert ledger.outstanding == 2


def test_times_in_coding_order_are_dealt_in_display_order() -> None:
    ledger = PacketLedger(40, in_coding_order=True)
    enter(ledger, *(Packet(None, dts=40 * i, is_keyframe=i == 0) for i in range(4)))
    assert [match_pts(ledger, number) for number in (0, 2, 3, 1)] == [0, 40, 80, 120]


def test_packet_without_a_frame_does_not_shift_later_times() -> None:
    ledger = PacketLedger(40, in_coding_order=True)
    enter(ledger, *(Packet(None, dts=40 * i, is_keyframe=i == 0) for i in range(100)))
    times = [match_pts(ledger, number) for number in range(100) if number != 10]
    assert times[:10] == [40 * i for i in range(10)]
    assert times[-1] == 40 * 99


def test_frames_without_reordering_have_the_times_of_their_packets() -> None:
    ledger = PacketLedger(40, in_coding_order=True)
    enter(ledger, *(Packet(None, dts=40 * i, is_keyframe=True) for i in range(8)))
    assert [match(ledger, number, reordered=False).pts for number in (0, 1, 4, 5)] == [0, 40, 160, 200]


@pytest.mark.parametrize("second", [None, 20])
def test_second_field_of_a_frame_is_not_missing(second: int | None) -> None:
    ledger = PacketLedger(40)
    enter(ledger, Packet(None if second is None else 0, is_keyframe=True), Packet(second), Packet(40), Packet(60))
    match(ledger, 0, interlaced=True)
    assert ledger.outstanding == 2


def test_missing_frame_of_an_interlaced_stream_is_outstanding() -> None:
    ledger = PacketLedger(40)
    enter(ledger, Packet(0, is_keyframe=True), Packet(40), Packet(80))
    match(ledger, 0, interlaced=True)
    assert ledger.outstanding == 2


def test_frame_without_a_number_has_no_timestamp() -> None:
    assert match_pts(PacketLedger(40), None) is None


def test_restart_goes_back_to_the_key_frame_before_the_last_finished_one() -> None:
    ledger = PacketLedger(40)
    packets = enter(ledger, *(Packet(i, is_keyframe=i % 50 == 0) for i in range(400)))
    for number in range(390):
        match_pts(ledger, number)
    assert ledger.restart() == packets[200:]
    assert all(match(ledger, number).yielded_before_restart for number in range(200, 390))
    assert not match(ledger, 395).yielded_before_restart


def test_dropped_packets_without_frames_are_still_counted() -> None:
    ledger = PacketLedger(40)
    for number in range(1000):
        enter(ledger, Packet(number, is_keyframe=number % 10 == 0))
        if number > 22:
            match_pts(ledger, number - 20)
    for number in range(980, 1000):
        match_pts(ledger, number)
    assert len(ledger.restart()) < 200
    assert ledger.outstanding == 3


def test_packets_above_the_memory_limit_are_not_kept() -> None:
    ledger = PacketLedger(40, max_bytes=1000)
    enter(ledger, *(Packet(i, is_keyframe=i == 0) for i in range(50)))
    assert ledger.restart() == []
    assert match_pts(ledger, 49) == 49


def test_frames_shown_before_the_first_key_frame_are_not_missing() -> None:
    ledger = PacketLedger(40)
    enter(ledger, Packet(120, is_keyframe=True), Packet(40), Packet(80), Packet(240), Packet(160))
    for number in (0, 3, 4):
        match_pts(ledger, number)
    assert ledger.outstanding == 0


def test_frames_shown_before_a_later_key_frame_are_missing() -> None:
    ledger = PacketLedger(40)
    enter(ledger, Packet(0, is_keyframe=True), Packet(120, is_keyframe=True), Packet(40), Packet(80))
    match_pts(ledger, 0)
    match_pts(ledger, 1)
    assert ledger.outstanding == 2


def test_packets_whose_frames_are_still_decoded_are_kept() -> None:
    """Decoders in parallel are further ahead than one."""
    for in_use, kept in ((None, 140), (30, 480), (300, 210)):
        ledger = PacketLedger(40)
        for number in range(500):
            packet: Any = Packet(40 * number, is_keyframe=number % 10 == 0)
            ledger.enter(packet, in_use=in_use)
            match(ledger, number)
        assert len(ledger.restart()) == kept


def test_parameters_of_the_codec_are_those_at_the_first_packet_that_is_kept() -> None:
    ledger, known = PacketLedger(40), []
    for number in range(600):
        is_key, new = number % 10 == 0, {0: b"first", 200: b"second"}.get(number, b"")
        enter(ledger, Packet(40 * number, is_keyframe=is_key, extradata=new))
        match(ledger, number)
        if is_key:
            known.append((ledger.extradata, number - len(ledger.restart()) + 1))
    assert {extradata for extradata, start in known if start == 0} == {None}
    assert {extradata for extradata, start in known if 0 < start <= 200} == {b"first"}
    assert {extradata for extradata, start in known if start > 200} == {b"second"}

"""Which packets have become pictures."""

from dataclasses import dataclass

import pytest

from pipeline.media.decoding import ledger
from pipeline.media.decoding.ledger import PacketLedger


@dataclass
class Packet:
    """As much of a packet as a ledger looks at."""

    pts: int | None
    dts: int = 0
    is_keyframe: bool = False
    is_discard: bool = False
    duration: int = 40
    size: int = 100


@dataclass
class Picture:
    pts: int | None
    interlaced_frame: bool = False


def enter(book: PacketLedger, *packets: Packet) -> list[Packet]:
    for packet in packets:
        book.enter(packet)  # type: ignore[arg-type]
    return list(packets)


def leave(book: PacketLedger, number: int | None) -> int | None:
    return book.match(Picture(number)).pts  # type: ignore[arg-type]


def test_pictures_get_the_times_of_their_packets_in_whatever_order_they_come() -> None:
    book = PacketLedger(40)
    packets = enter(book, Packet(0, is_keyframe=True), Packet(120), Packet(40), Packet(40))
    assert [packet.pts for packet in packets] == [0, 1, 2, 3]
    assert [leave(book, number) for number in (0, 2, 3, 1)] == [0, 40, 40, 120]
    assert book.outstanding == 0


def test_what_never_comes_is_outstanding_unless_it_is_hidden() -> None:
    book = PacketLedger(40)
    enter(book, Packet(0, is_keyframe=True), Packet(40), Packet(80, is_discard=True), Packet(120))
    leave(book, 0)
    assert book.outstanding == 2


def test_times_in_coding_order_are_dealt_out_in_the_order_of_showing() -> None:
    book = PacketLedger(40, in_coding_order=True)
    enter(book, *(Packet(None, dts=40 * i, is_keyframe=i == 0) for i in range(4)))
    assert [leave(book, number) for number in (0, 2, 3, 1)] == [0, 40, 80, 120]


def test_a_packet_that_becomes_no_picture_does_not_move_those_behind_it() -> None:
    book = PacketLedger(40, in_coding_order=True)
    enter(book, *(Packet(None, dts=40 * i, is_keyframe=i == 0) for i in range(100)))
    times = [leave(book, number) for number in range(100) if number != 10]
    assert times[:10] == [40 * i for i in range(10)]
    assert times[-1] == 40 * 99


def test_where_pictures_are_not_reordered_each_has_its_own_time() -> None:
    book = PacketLedger(40, in_coding_order=True)
    enter(book, *(Packet(None, dts=40 * i, is_keyframe=True) for i in range(8)))
    assert [book.match(Picture(number), False).pts for number in (0, 1, 4, 5)] == [0, 40, 160, 200]  # type: ignore[arg-type]


@pytest.mark.parametrize("second", [None, 20])
def test_the_second_field_of_a_picture_is_not_missing(second: int | None) -> None:
    book = PacketLedger(40)
    enter(book, Packet(None if second is None else 0, is_keyframe=True), Packet(second), Packet(40), Packet(60))
    book.match(Picture(0, interlaced_frame=True))  # type: ignore[arg-type]
    assert book.outstanding == 2


def test_the_next_picture_of_an_interlaced_stream_is_missing_where_it_does_not_come() -> None:
    book = PacketLedger(40)
    enter(book, Packet(0, is_keyframe=True), Packet(40), Packet(80))
    book.match(Picture(0, interlaced_frame=True))  # type: ignore[arg-type]
    assert book.outstanding == 2


def test_a_picture_without_a_number_has_no_time() -> None:
    assert leave(PacketLedger(40), None) is None


def test_beginning_again_goes_back_over_a_key_frame_that_was_done() -> None:
    book = PacketLedger(40)
    packets = enter(book, *(Packet(i, is_keyframe=i % 50 == 0) for i in range(400)))
    for number in range(390):
        leave(book, number)
    again = book.restart()
    assert again == packets[200:]
    assert all(book.match(Picture(number)).yielded_before_restart for number in range(200, 390))  # type: ignore[arg-type]
    assert not book.match(Picture(395)).yielded_before_restart  # type: ignore[arg-type]


def test_packets_that_are_let_go_still_count_where_no_picture_came() -> None:
    book = PacketLedger(40)
    for number in range(1000):
        enter(book, Packet(number, is_keyframe=number % 10 == 0))
        if number > 22:
            leave(book, number - 20)
    for number in range(980, 1000):
        leave(book, number)
    assert len(book.restart()) < 200
    assert book.outstanding == 3


def test_too_many_bytes_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_MAX_BYTES", 1000)
    book = PacketLedger(40)
    enter(book, *(Packet(i, is_keyframe=i == 0) for i in range(50)))
    assert book.restart() == []
    assert leave(book, 49) == 49


def test_pictures_shown_before_the_key_frame_that_all_begins_with_need_not_come() -> None:
    book = PacketLedger(40)
    enter(book, Packet(120, is_keyframe=True), Packet(40), Packet(80), Packet(240), Packet(160))
    for number in (0, 3, 4):
        leave(book, number)
    assert book.outstanding == 0


def test_pictures_before_a_later_key_frame_must_come() -> None:
    book = PacketLedger(40)
    enter(book, Packet(0, is_keyframe=True), Packet(120, is_keyframe=True), Packet(40), Packet(80))
    leave(book, 0)
    leave(book, 1)
    assert book.outstanding == 2

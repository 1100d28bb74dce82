"""FrameHold lets a frame pass when the frames of all packets before its own have arrived."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.decoding.frame_hold import FrameHold
from pipeline.media.decoding.ledger import PacketLedger


@dataclass
class Queued:
    """A stand-in for a packet or a frame."""

    pts: int | None
    is_keyframe: bool = False
    is_discard: bool = False
    dts: int = 0
    duration: int = 40
    size: int = 100
    interlaced_frame: bool = False

    def has_sidedata(self, kind: str) -> bool:
        return False


def hold_for(packets: int, hidden: frozenset[int] = frozenset()) -> tuple[FrameHold, PacketLedger]:
    ledger = PacketLedger(40)
    for number in range(packets):
        packet: Any = Queued(40 * number, number == 0, number in hidden)
        ledger.enter(packet)
    return FrameHold(ledger), ledger


def add(hold: FrameHold, ledger: PacketLedger, *numbers: int) -> list[int | None]:
    """The numbers of the frames that pass when those of `numbers` have arrived."""
    passed = []
    for number in numbers:
        frame: Any = Queued(number)
        hold.add(frame)
        for released in hold.release():
            ledger.match(released)
            passed.append(released.pts)
    return passed


def test_frame_waits_for_the_later_shown_one_that_it_may_refer_to() -> None:
    hold, ledger = hold_for(5)
    assert add(hold, ledger, 0) == [0]
    assert add(hold, ledger, 2, 3) == []
    assert add(hold, ledger, 1) == [2, 3, 1]


def test_frames_that_wait_are_discarded_at_damage() -> None:
    hold, ledger = hold_for(5)
    add(hold, ledger, 0, 2, 3)
    hold.discard()
    assert list(hold.release(everything=True)) == []
    assert ledger.outstanding == 4


def test_hidden_packets_are_not_waited_for() -> None:
    hold, ledger = hold_for(5, frozenset({1, 2}))
    assert add(hold, ledger, 0, 3, 4) == [0, 3, 4]


def test_lost_frame_is_not_waited_for_endlessly() -> None:
    hold, ledger = hold_for(100)
    passed = add(hold, ledger, *range(10), *range(11, 100))
    assert passed == [number for number in range(100) if number != 10]


@given(st.permutations(range(8)))
def test_all_frames_pass_in_display_order(order: list[int]) -> None:
    hold, ledger = hold_for(8)
    assert add(hold, ledger, *order) == order


def test_everything_passes_at_the_end() -> None:
    hold, ledger = hold_for(5)
    add(hold, ledger, 3, 2)
    assert [frame.pts for frame in hold.release(everything=True)] == [3, 2]

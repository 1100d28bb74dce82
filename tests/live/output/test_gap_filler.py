"""The last picture, shown again while a source is away."""

from dataclasses import replace

from pipeline.frame import Frame
from pipeline.live.output.gap_filler import GapFiller, RepeatFrame


def counted(frame: Frame, pts: int, released: list[int]) -> Frame:
    return replace(frame, pts=pts, release=lambda: released.append(pts))


def test_the_last_frame_comes_again_at_other_times(frame: Frame) -> None:
    fill = GapFiller()
    (shown,) = fill.feed(frame)
    again = [made for item in (RepeatFrame(20, 5), RepeatFrame(25, 5)) for made in fill.feed(item)]
    assert [(made.pts, made.duration) for made in again] == [(20, 5), (25, 5)]
    assert all(made.planes is frame.planes for made in (shown, *again))


def test_before_the_first_frame_there_is_nothing_to_repeat() -> None:
    assert list(GapFiller().feed(RepeatFrame(20, 5))) == []


def test_a_frame_is_let_go_of_when_the_next_one_comes_and_at_the_end(frame: Frame) -> None:
    released: list[int] = []
    fill = GapFiller()
    for pts in (1, 2, 3):
        for made in fill.feed(counted(frame, pts, released)):
            made.release()
        for made in fill.feed(RepeatFrame(pts * 10, 1)):
            made.release()
    assert released == [1, 2]
    fill.close()
    fill.close()
    assert released == [1, 2, 3]


def test_whatever_else_comes_passes(frame: Frame) -> None:
    assert list(GapFiller().feed("a packet")) == ["a packet"]

"""Repeats the last frame while a source is disconnected."""

from dataclasses import replace

from pipeline.frame import Frame
from pipeline.live.output.gap_filler import GapFiller, RepeatFrame


def counted(frame: Frame, pts: int, released: list[int]) -> Frame:
    return replace(frame, pts=pts, release=lambda: released.append(pts))


def test_a_repeated_frame_has_the_requested_time_and_duration(frame: Frame) -> None:
    filler = GapFiller()
    (shown,) = filler.feed(frame)
    repeated = [output for item in (RepeatFrame(20, 5), RepeatFrame(25, 5)) for output in filler.feed(item)]
    assert [(output.pts, output.duration) for output in repeated] == [(20, 5), (25, 5)]
    assert all(output.planes is frame.planes for output in (shown, *repeated))


def test_nothing_is_repeated_before_the_first_frame() -> None:
    assert list(GapFiller().feed(RepeatFrame(20, 5))) == []


def test_a_frame_is_released_when_the_next_one_comes_and_at_the_end(frame: Frame) -> None:
    released: list[int] = []
    filler = GapFiller()
    for pts in (1, 2, 3):
        for output in filler.feed(counted(frame, pts, released)):
            output.release()
        for output in filler.feed(RepeatFrame(pts * 10, 1)):
            output.release()
    assert released == [1, 2]
    filler.close()
    filler.close()
    assert released == [1, 2, 3]

"""What is in finished segments is left out, and only that."""

from array import array
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.files.durable.skip_finished import SkipFinished
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat

FORMAT = FrameFormat(2, 2, PIXEL_FORMATS["gray"], Colour(1, False))


def frame(pts: int, released: list[int]) -> Frame:
    return Frame(FORMAT, (np.zeros((2, 2), np.uint8),), pts, 1, release=lambda: released.append(pts))


@given(count=st.integers(0, 20), finished=st.integers(0, 20), shift=st.integers(-5, 5))
def test_finished_frames_are_released_and_the_others_pass(count: int, finished: int, shift: int) -> None:
    released: list[int] = []
    stage = SkipFinished(Path("in"), array("q", [3 * n + shift for n in range(finished)]), {}, shift)
    passed = [item.pts for n in range(count) for item in stage.feed(frame(3 * n, released)) if isinstance(item, Frame)]
    assert released == [3 * n for n in range(min(count, finished))]
    assert passed == [3 * n for n in range(finished, count)]
    assert stage.frames == len(released)


def test_a_frame_at_another_time_than_before_ends_the_job() -> None:
    stage = SkipFinished(Path("in.mkv"), array("q", [0, 40]), {}, 0)
    assert list(stage.feed(frame(0, []))) == []
    with pytest.raises(InputError, match=r"in\.mkv: frame 1 is at 41 ticks and was at 40"):
        list(stage.feed(frame(41, [])))


def test_a_source_that_ends_before_the_finished_frames_ends_the_job() -> None:
    stage = SkipFinished(Path("in.mkv"), array("q", [0, 40]), {}, 0)
    list(stage.feed(frame(0, [])))
    with pytest.raises(InputError, match=r"in\.mkv: only 1 of the 2 finished frames were decoded: .*try again"):
        stage.check_complete()
    list(stage.feed(frame(40, [])))
    stage.check_complete()


def test_the_first_packets_of_each_other_stream_are_dropped(clip: Path) -> None:
    with av.open(str(clip)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        stage = SkipFinished(clip, array("q"), {1: 3}, 0)
        assert [item for packet in packets for item in stage.feed(packet)] == packets[3:]

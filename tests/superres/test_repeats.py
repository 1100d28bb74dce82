"""Repeated frames: exact comparison, the frame that is kept for it, and frames with several users."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Frame, FrameFormat, Plane
from pipeline.superres.repeats import RepeatDetector, SharedFrame
from tests.frames import format_of, noise
from tests.waiting import DEADLINE, all_at_once


class Releases:
    """Counts the releases of the frames that it makes."""

    def __init__(self) -> None:
        self.count = 0

    def frame(self, seed: int = 0) -> Frame:
        return replace(noise(format_of("yuv420p"), seed), release=self._release)

    def _release(self) -> None:
        self.count += 1


def copied(frame: Frame, padding: int = 0, fill: int = 0) -> Frame:
    """Returns a copy in memory of its own, whose rows are followed by samples of value `fill`."""

    def copy(plane: Plane) -> Plane:
        padded = np.full((plane.shape[0], plane.shape[1] + padding), fill, plane.dtype)
        padded[:, : plane.shape[1]] = plane
        return padded[:, : plane.shape[1]]

    return replace(frame, planes=tuple(copy(plane) for plane in frame.planes))


def is_repeated(first: Frame, second: Frame) -> bool:
    detector = RepeatDetector()
    detector.keep(first)
    return detector.is_repeat(second)


formats = st.builds(
    format_of, st.sampled_from(sorted(PIXEL_FORMATS)), st.tuples(st.integers(1, 80), st.integers(1, 60))
)


@given(format=formats, padding=st.integers(0, 40))
def test_equal_samples_are_a_repeated_frame_whatever_follows_the_rows(format: FrameFormat, padding: int) -> None:
    frame = noise(format)
    assert is_repeated(copied(frame, padding, 1), copied(frame, padding, 0))


@given(format=formats, data=st.data())
def test_a_single_bit_in_any_plane_makes_another_frame(format: FrameFormat, data: st.DataObject) -> None:
    frame = noise(format)
    other = copied(frame, padding=data.draw(st.integers(0, 9)))
    plane = data.draw(st.sampled_from(other.planes))
    row, column = data.draw(st.integers(0, plane.shape[0] - 1)), data.draw(st.integers(0, plane.shape[1] - 1))
    plane[row, column] ^= 1 << data.draw(st.integers(0, format.pixel.depth - 1))
    assert not is_repeated(frame, other)


@given(changes=st.lists(st.tuples(st.integers(0, 299), st.booleans()), max_size=12))
def test_a_change_is_found_wherever_the_earlier_ones_were(changes: list[tuple[int, bool]]) -> None:
    format = format_of("yuv444p", (2048, 300))  # several bands in each plane
    frame = Frame(format, tuple(np.zeros(shape, np.uint8) for shape in format.plane_shapes), 0)
    detector = RepeatDetector()
    detector.keep(frame)
    for row, is_changed in changes:
        frame = copied(frame)
        frame.planes[row % 3][row, 1000] += is_changed
        assert detector.is_repeat(frame) is not is_changed
        detector.keep(frame)


def test_frames_of_another_format_or_shape_are_no_repetitions() -> None:
    frame = noise(format_of("yuv420p"))
    other_range = replace(frame, format=format_of("yuv420p", full_range=True))
    cut = replace(frame, planes=tuple(plane[:-1] for plane in frame.planes))
    assert not is_repeated(frame, other_range)
    assert not is_repeated(frame, cut)
    assert not is_repeated(cut, frame)


def test_the_first_frame_repeats_nothing() -> None:
    detector = RepeatDetector()
    assert not detector.is_repeat(noise(format_of("gray")))
    assert detector.repeated == 0


def test_a_frame_is_kept_until_the_next_one_and_no_longer() -> None:
    releases, detector = Releases(), RepeatDetector()
    detector.keep(releases.frame()).release()
    assert releases.count == 0
    assert detector.is_repeat(releases.frame())
    detector.keep(releases.frame()).release()
    assert releases.count == 1
    detector.forget()
    assert releases.count == 2
    detector.forget()
    assert releases.count == 2


def test_nothing_repeats_a_frame_that_was_forgotten() -> None:
    frame, detector = noise(format_of("gray")), RepeatDetector()
    detector.keep(frame)
    detector.forget()
    assert not detector.is_repeat(frame)


def test_a_kept_frame_waits_for_its_other_user_before_it_is_released() -> None:
    releases, detector = Releases(), RepeatDetector()
    in_use = detector.keep(releases.frame())
    detector.forget()
    assert releases.count == 0
    in_use.release()
    assert releases.count == 1


def test_a_shared_frame_has_the_samples_and_a_time_for_each_user() -> None:
    frame = noise(format_of("yuv420p"), 5)
    shown = SharedFrame(frame).share(pts=9, duration=4)
    assert (shown.pts, shown.duration, shown.format) == (9, 4, frame.format)
    assert shown.planes is frame.planes


@pytest.mark.parametrize("threads", [2, 8])
def test_a_shared_frame_is_released_once_by_the_last_of_many_threads(threads: int) -> None:
    releases = Releases()
    shared = SharedFrame(releases.frame())
    begin = threading.Barrier(threads)

    def use() -> None:
        begin.wait(DEADLINE)
        for _ in range(500):
            shared.share(0, 1).release()

    all_at_once([use] * threads)
    assert releases.count == 0
    shared.release()
    assert releases.count == 1

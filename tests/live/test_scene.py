"""A scene: the frames that one pipeline can process, and what is yielded in gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.frame import Frame
from pipeline.live.counters import StreamCounters
from pipeline.live.input.decoder import LiveFrame
from pipeline.live.output.gap_filler import RepeatFrame
from pipeline.live.process.messages import StreamHeader
from pipeline.live.scene import FAILED, FILLED, STARTING, GapHandling, Scene, same_scene
from pipeline.media.decoding.interlace.bwdif import FlushMarker
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe

STEP = 3600  # ticks between two frames


class Fixture:
    """A queue with a scene, and the frames that it dropped, by pts."""

    def __init__(self, first: LiveFrame) -> None:
        self.dropped: list[tuple[int, str]] = []
        self.queue: DropOldestQueue[LiveFrame] = DropOldestQueue(10, dropped=self._drop)
        self.counters = StreamCounters()
        self.scene = Scene(first, self.queue, self.counters, self._drop)

    def _drop(self, frame: LiveFrame, reason: str) -> None:
        self.dropped.append((frame.frame.pts, reason))


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return replace(probe(clip).video, time_base=Fraction(1, 90_000))


@pytest.fixture
def first(frame: Frame, video: VideoInfo) -> LiveFrame:
    return LiveFrame(replace(frame, pts=0, duration=STEP), video, None, arrived=0.0)


def later(first: LiveFrame, number: int) -> LiveFrame:
    return replace(first, frame=replace(first.frame, pts=number * STEP))


def pts_of(items: Iterator[object]) -> list[int]:
    return [item.pts for item in items if isinstance(item, Frame)]


def test_frames_with_another_format_or_other_audio_are_not_in_the_scene(first: LiveFrame, video: VideoInfo) -> None:
    larger = replace(video, format=replace(video.format, width=2 * video.format.width))
    assert same_scene(first, later(first, 1))
    assert same_scene(first, replace(first, video=replace(video, rate=Fraction(50))))
    assert not same_scene(first, replace(first, video=larger))
    assert not same_scene(first, replace(first, audio=StreamHeader(b"", (None,))))


def test_a_scene_yields_its_frames_up_to_the_end_of_the_queue(first: LiveFrame) -> None:
    case = Fixture(first)
    frames = iter(case.scene)
    assert next(frames) is first.frame
    for number in (1, 2):
        case.queue.put(later(first, number))
    case.queue.close()
    assert pts_of(frames) == [STEP, 2 * STEP]
    assert case.scene.next is None
    assert case.dropped == []


def test_a_scene_ends_at_a_frame_of_another_format(first: LiveFrame, video: VideoInfo) -> None:
    case = Fixture(first)
    frames = iter(case.scene)
    next(frames)
    other = replace(later(first, 1), audio=StreamHeader(b"", (None,)))
    case.queue.put(other)
    assert list(frames) == []
    assert case.scene.next is other


def test_the_first_frame_is_dropped_if_newer_ones_wait(first: LiveFrame) -> None:
    case = Fixture(first)
    case.queue.put(later(first, 1))
    case.queue.close()
    assert pts_of(iter(case.scene)) == [STEP]
    assert case.dropped == [(0, STARTING)]


def test_an_abort_ends_the_scene(first: LiveFrame) -> None:
    case = Fixture(first)
    frames = iter(case.scene)
    next(frames)
    case.queue.abort()
    assert list(frames) == []


def test_a_gap_yields_one_flush_marker_and_repeats_of_the_last_frame(first: LiveFrame) -> None:
    case = Fixture(first)
    case.scene.gaps = GapHandling(lambda: True, flush=True, repeat=True)
    items = iter(case.scene)
    next(items)
    flush, *repeats = (next(items) for _ in range(4))
    assert isinstance(flush, FlushMarker)
    assert repeats == [RepeatFrame(number * STEP, STEP) for number in (1, 2, 3)]
    assert case.counters.filled == 3


def test_a_frame_whose_time_was_filled_is_dropped(first: LiveFrame) -> None:
    case = Fixture(first)
    case.scene.gaps = GapHandling(lambda: True, flush=False, repeat=True)
    items = iter(case.scene)
    next(items)
    assert next(items) == RepeatFrame(STEP, STEP)
    case.queue.put(later(first, 1))
    case.queue.put(later(first, 1000))
    case.queue.close()
    assert pts_of(items) == [1000 * STEP]
    assert case.dropped == [(STEP, FILLED)]


def test_frames_in_flight_are_counted_as_lost_when_the_scene_ends_early(first: LiveFrame) -> None:
    case = Fixture(first)
    next(iter(case.scene))
    case.scene.end()
    case.scene.end()
    assert case.counters.dropped == {FAILED: 1}


def test_a_scene_that_never_began_drops_its_first_frame(first: LiveFrame) -> None:
    case = Fixture(first)
    case.scene.end()
    assert case.dropped == [(0, FAILED)]

"""Stages and sources for measurements."""

from itertools import islice
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics.timing import FrameTimer, RestampFrames, endless_packets
from pipeline.errors import InputError
from pipeline.files.plan import Plan, make_plan
from pipeline.frame import Frame
from pipeline.media.reading.probe import probe
from tests.frames import format_of, noise


@pytest.fixture
def plan(clip: Path) -> Plan:
    return make_plan(probe(clip), None, Settings.load(None, backend="onnx", model="identity"))


def frames(count: int) -> list[Frame]:
    return [noise(format_of("yuv420p"), pts) for pts in range(count)]


def test_a_timer_counts_frames_after_the_queues_are_full(plan: Plan) -> None:
    timer = FrameTimer(plan)
    for frame in frames(70):
        assert list(timer.feed(frame)) == [frame]
    assert timer.frames == 70
    assert timer.row("decode").frames == 34, "half of them, as there are few"
    assert timer.seconds() > 0


def test_a_timer_counts_no_frames_that_follow_the_end_of_the_source(plan: Plan) -> None:
    timer = FrameTimer(plan, discard=True)
    for frame in frames(200):
        assert not list(timer.feed(frame))
    timer.end()
    for frame in frames(20):
        assert not list(timer.feed(frame))
    assert timer.row("decode").frames == 200 - 64 - 1


def test_a_timer_counts_all_frames_if_the_source_ends_before_the_queues_are_full(plan: Plan) -> None:
    timer = FrameTimer(plan, discard=True)
    timer.end()
    for frame in frames(20):
        assert not list(timer.feed(frame))
    assert timer.row("decode").frames == 9


def test_a_discarding_timer_releases_frames(plan: Plan) -> None:
    released: list[int] = []
    timer = FrameTimer(plan, discard=True)
    for frame in frames(3):
        frame.release = lambda pts=frame.pts: released.append(pts)  # type: ignore[misc]  # a bound value
        assert not list(timer.feed(frame))
    assert released == [0, 1, 2]


def test_too_few_frames_are_an_error(plan: Plan) -> None:
    with pytest.raises(InputError, match="too few frames could be measured: give a longer clip, or more seconds"):
        FrameTimer(plan).row("decode")


def test_restamped_frames_have_consecutive_times(plan: Plan) -> None:
    stage = RestampFrames(plan)
    stamped = [out for frame in [*frames(2), *frames(2)] for out in stage.feed(frame)]
    assert [frame.pts for frame in stamped] == [0, 512, 1024, 1536]
    assert {frame.duration for frame in stamped} == {512}


def test_a_pool_replaces_the_frames_forwards_and_backwards(plan: Plan) -> None:
    pool = frames(3)
    stage = RestampFrames(plan, pool)
    stamped = [out for frame in frames(6) for out in stage.feed(frame)]
    order = [next(index for index, each in enumerate(pool) if each.planes is frame.planes) for frame in stamped]
    assert order[:3] == [0, 1, 2]
    assert order[3] == 1 or order[3] == 2


def test_packets_of_a_clip_repeat_without_end(clip: Path) -> None:
    packets = list(islice(endless_packets(clip), 30))
    assert [packets[index].pts for index in (0, 12, 24)] == [0, 12 * 512, 24 * 512]

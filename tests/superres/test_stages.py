"""A session as two pipeline stages."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pipeline.frame import DevicePlane, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.repeats import RepeatDetector
from pipeline.superres.session import Session
from pipeline.superres.stages import Collect, Pending, Submit
from tests.frames import noise
from tests.superres.networks import open_cpu_session


@pytest.fixture
def session(frame: Frame) -> Iterator[Session[object]]:
    with open_cpu_session(catalogue.find("identity", np.float32), frame.format) as opened:
        yield opened  # type: ignore[misc]  # its tickets have a type of their own


def test_a_frame_passes_both_stages_and_keeps_its_time(session: Session[object], frame: Frame) -> None:
    submit: Submit[str] = Submit(session)
    collect: Collect[str] = Collect(session)
    (pending,) = submit.feed(frame)
    assert isinstance(pending, Pending)
    (upscaled,) = collect.feed(pending)
    assert isinstance(upscaled, Frame)
    assert (upscaled.pts, upscaled.duration) == (frame.pts, frame.duration)
    assert (submit.frames, submit.left_out) == (1, 0)


def test_other_items_pass_through_both_stages_unchanged(session: Session[object]) -> None:
    submit: Submit[str] = Submit(session)
    collect: Collect[str] = Collect(session)
    assert list(submit.feed("packet")) == ["packet"]
    assert list(collect.feed("packet")) == ["packet"]
    assert submit.frames == 0


def test_frames_after_stop_are_released_and_counted(session: Session[object], frame: Frame) -> None:
    released: list[bool] = []
    submit: Submit[str] = Submit(session)
    submit.stop()
    assert list(submit.feed(replace(frame, release=lambda: released.append(True)))) == []
    assert list(submit.feed("packet")) == ["packet"]
    assert (submit.frames, submit.left_out, released) == (0, 1, [True])


class CountingSession(Session[Frame]):
    """Returns submitted frames as they are, each in one of two slots, and counts.

    Attributes:
        submitted: Number of frames submitted.
        in_use: Number of slots in use.
    """

    def __init__(self, format: FrameFormat) -> None:
        super().__init__(catalogue.find("identity", np.float32), format)
        self.submitted = self.in_use = 0

    @property
    def backend(self) -> str:
        return "fake"

    def submit(self, frame: Frame) -> Frame:
        assert self.in_use < 2, "a pipeline would wait for ever"
        self.in_use += 1
        self.submitted += 1
        ticket = replace(frame, planes=tuple(plane.copy() for plane in frame.planes), release=self._free)
        frame.release()
        return ticket

    def collect(self, ticket: Frame) -> Frame:
        return ticket

    def queue_network(self, frames: int) -> None: ...

    def close(self) -> None: ...

    def _free(self) -> None:
        self.in_use -= 1


class DedupStages:
    """Both stages around a CountingSession, with repeated frames upscaled once."""

    def __init__(self, format: FrameFormat) -> None:
        self.session = CountingSession(format)
        self.repeats = RepeatDetector()
        self.submit: Submit[str] = Submit(self.session, self.repeats)
        self.collect: Collect[str] = Collect(self.session)

    def upscale(self, item: Frame | str) -> Frame | str:
        (pending,) = self.submit.feed(item)
        (upscaled,) = self.collect.feed(pending)
        return upscaled

    def upscale_frame(self, seed: int, pts: int) -> Frame:
        upscaled = self.upscale(replace(noise(self.session.source, seed), pts=pts))
        assert isinstance(upscaled, Frame)
        return upscaled


@pytest.fixture
def stages(frame: Frame) -> DedupStages:
    return DedupStages(frame.format)


def test_repeated_frames_are_upscaled_once_and_keep_their_own_times(stages: DedupStages) -> None:
    seeds = [1, 1, 1, 2, 2, 2]
    outputs = [stages.upscale_frame(seed, 10 * number) for number, seed in enumerate(seeds)]
    assert [output.pts for output in outputs] == [0, 10, 20, 30, 40, 50]
    for output, seed in zip(outputs, seeds, strict=True):
        assert all((a == b).all() for a, b in zip(output.planes, noise(output.format, seed).planes, strict=True))
    assert (stages.submit.frames, stages.session.submitted, stages.repeats.repeated) == (6, 2, 4)


def test_without_a_detector_every_frame_is_upscaled(session: Session[object], frame: Frame) -> None:
    submit: Submit[str] = Submit(session)
    assert all(isinstance(item, Pending) for _ in range(3) for item in submit.feed(frame))


def test_a_slot_is_free_once_all_users_of_its_output_have_released_it(stages: DedupStages) -> None:
    first, second = stages.upscale_frame(1, 0), stages.upscale_frame(1, 1)
    first.release()
    other = stages.upscale_frame(2, 2)
    assert stages.session.in_use == 2
    second.release()
    assert stages.session.in_use == 1
    other.release()
    assert list(stages.collect.finish()) == []
    assert stages.session.in_use == 0


def test_a_long_run_of_repeated_frames_leaves_a_slot_for_the_next_frame(stages: DedupStages) -> None:
    for number in range(1000):
        stages.upscale_frame(1, number).release()
        assert stages.session.in_use == 1
    for number in range(10):
        stages.upscale_frame(2 + number, 1000 + number).release()
    assert stages.session.submitted == 11


def test_other_items_between_repeated_frames_change_nothing(stages: DedupStages) -> None:
    stages.upscale_frame(1, 0)
    assert stages.upscale("packet") == "packet"
    assert stages.upscale_frame(1, 1).pts == 1
    assert stages.session.submitted == 1


def test_frames_in_gpu_memory_are_never_taken_for_repeated_ones(frame: Frame) -> None:
    class Forwarding(CountingSession):
        def submit(self, frame: Frame) -> Frame:
            self.submitted += 1
            return frame

    session, repeats = Forwarding(frame.format), RepeatDetector()
    submit: Submit[str] = Submit(session, repeats)
    surface = replace(frame, planes=(), device_planes=(DevicePlane(4096, 64),) * 3)
    assert [item.may_repeat for _ in range(2) for item in submit.feed(surface) if isinstance(item, Pending)] == [
        False
    ] * 2
    assert (session.submitted, repeats.repeated) == (2, 0)


def test_closed_stages_release_the_frames_that_they_kept(stages: DedupStages, frame: Frame) -> None:
    released: list[bool] = []
    upscaled = stages.upscale(replace(frame, release=lambda: released.append(True)))
    assert isinstance(upscaled, Frame)
    upscaled.release()
    assert (stages.session.in_use, released) == (1, [])
    stages.submit.close()
    stages.collect.close()
    assert (stages.session.in_use, released) == (0, [True])


def test_repeated_frames_after_stop_are_left_out(stages: DedupStages, frame: Frame) -> None:
    stages.upscale(frame)
    stages.submit.stop()
    assert list(stages.submit.feed(frame)) == []
    assert (stages.submit.frames, stages.submit.left_out, stages.repeats.repeated) == (1, 1, 0)


@pytest.mark.parametrize("detector", [None, RepeatDetector()])
def test_captions_pass_both_stages_also_those_of_repeated_frames(
    session: Session[object], frame: Frame, detector: RepeatDetector | None
) -> None:
    submit: Submit[str] = Submit(session, detector)
    collect: Collect[str] = Collect(session)
    frames = [replace(frame, captions=captions) for captions in (b"one", b"two", b"")]
    output = [upscaled for each in frames for pending in submit.feed(each) for upscaled in collect.feed(pending)]
    assert [each.captions for each in output if isinstance(each, Frame)] == [b"one", b"two", b""]
    submit.close()
    collect.close()

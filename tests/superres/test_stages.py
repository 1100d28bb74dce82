"""A session as two pipeline stages."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.models import catalogue
from pipeline.superres.session import Session
from pipeline.superres.stages import Collect, Pending, Submit
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

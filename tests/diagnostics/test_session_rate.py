"""The rate of a session without decoder and encoder."""

import itertools
from typing import Any

import numpy as np
import pytest

from pipeline.diagnostics.session_rate import measure_session_rate
from pipeline.errors import MismatchError
from pipeline.frame import Frame, FrameFormat
from pipeline.models.catalogue import find
from pipeline.superres.sessions import SessionRequest, open_session
from tests.diagnostics.comparison.pairs import settings
from tests.waiting import until


def test_rate_of_a_session_is_measured_and_frames_stay_with_the_caller(frame: Frame, small_format: FrameFormat) -> None:
    released: list[int] = []
    frame.release = lambda: released.append(1)
    request = SessionRequest("onnx", find("identity", np.float32), small_format, settings())
    with open_session(request) as session:
        assert measure_session_rate(session, [frame], seconds=0.01) > 0
    assert not released


def test_an_error_of_the_session_is_raised_to_the_caller(frame: Frame, small_format: FrameFormat) -> None:
    request = SessionRequest("onnx", find("identity", np.float32), small_format.enlarged(2), settings())
    with open_session(request) as session, pytest.raises(MismatchError):
        measure_session_rate(session, [frame])


def test_a_network_that_is_slower_than_the_time_is_measured_on_three_frames(
    frame: Frame, small_format: FrameFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SessionRequest("onnx", find("identity", np.float32), small_format, settings())
    with open_session(request) as session:
        submit, collect = session.submit, session.collect
        numbers, collected = itertools.count(), list[Frame]()

        def submit_after_the_others(frame: Frame) -> Any:
            number = next(numbers)
            until(lambda: len(collected) == number)
            return submit(frame)

        def counted(ticket: Any) -> Frame:
            collected.append(collect(ticket))
            return collected[-1]

        monkeypatch.setattr(session, "submit", submit_after_the_others)
        monkeypatch.setattr(session, "collect", counted)
        assert measure_session_rate(session, [frame], seconds=0.0) > 0
    assert len(collected) >= 1 + 1 + 3  # one fills the session, and from the next on three are timed

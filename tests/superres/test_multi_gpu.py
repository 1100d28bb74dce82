"""Several sessions used as one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.models import catalogue
from pipeline.superres.multi_gpu import MultiGpuSession
from pipeline.superres.session import Session
from tests.superres.networks import OpenSession, open_cpu_session
from tests.superres.session_suite import SessionSuite


class TestMultiGpuSession(SessionSuite):
    @pytest.fixture
    def open_session(self) -> OpenSession:
        return lambda *arguments, **options: MultiGpuSession(
            [open_cpu_session(*arguments, **options) for _ in range(3)]
        )


def test_frames_are_distributed_in_turn_and_collected_in_order(frame: Frame) -> None:
    sessions: list[Session[Any]] = [
        open_cpu_session(catalogue.find("identity", np.float32), frame.format) for _ in range(2)
    ]
    with MultiGpuSession(sessions) as session:
        tickets = [session.submit(replace(frame, pts=pts)) for pts in range(5)]
        assert [sessions.index(ticket.session) for ticket in tickets] == [0, 1, 0, 1, 0]
        assert [session.collect(ticket).pts for ticket in tickets] == [0, 1, 2, 3, 4]


def test_the_backend_names_the_number_of_sessions(frame: Frame) -> None:
    with MultiGpuSession(
        [open_cpu_session(catalogue.find("identity", np.float32), frame.format) for _ in range(2)]
    ) as session:
        assert session.backend.startswith("2 x ONNX Runtime")

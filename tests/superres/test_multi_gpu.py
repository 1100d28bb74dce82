"""Several sessions as one."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.frame import Frame
from pipeline.models import catalogue
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.multi_gpu import MultiGpuSession
from tests.superres.networks import MakeSession
from tests.superres.session_suite import SessionSuite


class TestSeveralSessions(SessionSuite):
    @pytest.fixture
    def make(self) -> MakeSession:
        return lambda *given: MultiGpuSession([OnnxSession(*given) for _ in range(3)])


def test_frames_go_to_each_in_turn_and_leave_in_order(frame: Frame) -> None:
    each = [OnnxSession(catalogue.find("identity", np.float32), frame.format) for _ in range(2)]
    with MultiGpuSession(list(each)) as session:
        tickets = [session.submit(replace(frame, pts=pts)) for pts in range(5)]
        assert [each.index(ticket.session) for ticket in tickets] == [0, 1, 0, 1, 0]
        assert [session.collect(ticket).pts for ticket in tickets] == [0, 1, 2, 3, 4]


def test_its_backend_counts_them(frame: Frame) -> None:
    each = [OnnxSession(catalogue.find("identity", np.float32), frame.format) for _ in range(2)]
    with MultiGpuSession(list(each)) as session:
        assert session.backend.startswith("2 x ONNX Runtime")

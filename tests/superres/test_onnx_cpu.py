import pytest

from pipeline.superres.onnx_cpu import OnnxCpuSession
from tests.superres.session_suite import MakeSession, SessionSuite


class TestOnnxCpuSession(SessionSuite):
    @pytest.fixture
    def make(self) -> MakeSession:
        return OnnxCpuSession

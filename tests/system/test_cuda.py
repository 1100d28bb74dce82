"""CUDA detection and errors, on machines with and without a GPU. tests/gpu covers the rest."""

import pytest

from pipeline.errors import BackendError, OutputError
from pipeline.system import cuda


def test_there_are_no_gpus_where_cuda_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: "no driver")
    assert cuda.count() == 0
    with pytest.raises(BackendError, match="no driver"):
        cuda.Gpu(0)


def test_an_unavailable_gpu_has_a_reason_in_one_line() -> None:
    reason = cuda.unavailable_reason()
    assert (reason is None) == (cuda.count() > 0)
    assert reason is None or "\n" not in reason


def test_errors_of_cuda_become_backend_errors_and_others_stay() -> None:
    with (
        pytest.raises(BackendError, match="the GPU failed while submitting a frame: boom"),
        cuda.gpu_errors("submitting a frame"),
    ):
        raise RuntimeError("boom")
    with pytest.raises(OutputError), cuda.gpu_errors("submitting a frame"):
        raise OutputError("disk full")

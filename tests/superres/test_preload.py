"""Preparation of a GPU in the background never gets in the way."""

import threading

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import BackendError
from pipeline.superres.preload import preloaded


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the GPUs that were opened, on a machine with a GPU and TensorRT, as it seems."""
    numbers: list[int] = []
    monkeypatch.setattr("pipeline.superres.backend_choice.choose_backend", lambda settings: ("tensorrt", None))
    monkeypatch.setattr("pipeline.superres.gpu.tensorrt.library.installed", lambda: ["rtx"])
    monkeypatch.setattr("pipeline.superres.gpu.tensorrt.library.MODULES", {"rtx": "json"})
    monkeypatch.setattr("pipeline.system.cuda.Gpu", numbers.append)
    return numbers


def test_gpus_of_the_settings_are_opened_by_a_thread_that_has_ended_afterwards(opened: list[int]) -> None:
    with preloaded(Settings(device=(0, 1))):
        pass
    assert opened == [0, 1]
    assert not [thread for thread in threading.enumerate() if thread.name == "uprez-preload"]


def test_cpu_backend_needs_no_preparation(opened: list[int]) -> None:
    with preloaded(Settings(backend="onnx")):
        pass
    assert opened == []


def test_failure_is_left_to_the_session(opened: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(ordinal: int) -> None:
        raise BackendError("no such GPU")

    monkeypatch.setattr("pipeline.system.cuda.Gpu", fail)
    with preloaded(Settings()):
        pass
    assert opened == []

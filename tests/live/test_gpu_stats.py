"""What the driver tells of GPUs, where there is one, where there is none, and where one of them doesn't tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.live import gpu_stats as module
from pipeline.live.gpu_stats import gpu_use


class NVMLError(Exception):
    """As NVIDIA's library raises it."""


class Driver(SimpleNamespace):
    """NVIDIA's library, with two GPUs: the first is cut into several and doesn't tell its use."""

    NVMLError = NVMLError

    def nvmlInit(self) -> None:  # noqa: N802 (the library's own name, as the next)
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return f"GPU {handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=3, total=80)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: N802
        if handle == 0:
            raise NVMLError("not supported")
        return SimpleNamespace(gpu=42)


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    module._opened.cache_clear()
    yield
    module._opened.cache_clear()


def test_each_gpu_that_tells_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Driver())
    (gpu,) = gpu_use()
    assert (gpu.name, gpu.use, gpu.memory, gpu.memory_total) == ("GPU 1", 0.42, 3, 80)


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NVMLError("no driver")

    monkeypatch.setitem(sys.modules, "pynvml", Driver(nvmlInit=fail))
    assert gpu_use() == ()


def test_when_the_driver_loses_its_gpus_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NVMLError("GPU is lost")

    monkeypatch.setitem(sys.modules, "pynvml", Driver(nvmlDeviceGetCount=fail))
    assert gpu_use() == ()


def test_without_the_library_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_use() == ()

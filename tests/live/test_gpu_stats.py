"""Figures of GPUs: with a driver, without one, and with a GPU that reports nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.live.gpu_stats import gpu_use, open_nvml


class NVMLError(Exception):
    """The error of NVIDIA's library."""


class Driver(SimpleNamespace):
    """NVIDIA's library, with two GPUs: the first is partitioned and does not report its use."""

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
def uncached() -> Iterator[None]:
    open_nvml.cache_clear()
    yield
    open_nvml.cache_clear()


def test_each_gpu_that_reports_its_use_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Driver())
    (gpu,) = gpu_use()
    assert (gpu.name, gpu.use, gpu.memory, gpu.memory_total) == ("GPU 1", 0.42, 3, 80)


def test_there_are_no_gpus_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NVMLError("no driver")

    monkeypatch.setitem(sys.modules, "pynvml", Driver(nvmlInit=fail))
    assert gpu_use() == ()


def test_there_are_no_gpus_when_the_driver_has_lost_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NVMLError("GPU is lost")

    monkeypatch.setitem(sys.modules, "pynvml", Driver(nvmlDeviceGetCount=fail))
    assert gpu_use() == ()


def test_there_are_no_gpus_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_use() == ()

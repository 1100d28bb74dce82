"""CUDA is initialised in the background, and what is created for that is released."""

import ctypes
import threading
from typing import Any

import pytest

from pipeline.system.cuda_warm_up import cuda_warmed_up


class Driver:
    """A CUDA driver with two GPUs that notes the calls; each returns 0, for success."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def cuInit(self, flags: int) -> int:  # noqa: N802 (CUDA's names)
        return 0

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:  # noqa: N802
        device._obj.value = 10 + ordinal  # what ctypes calls the argument of byref
        return 0 if ordinal < 2 else 101

    def cuDevicePrimaryCtxSetFlags_v2(self, device: ctypes.c_int, flags: int) -> int:  # noqa: N802
        self.calls.append(("flags", device.value))
        return 0

    def cuDevicePrimaryCtxRetain(self, context: Any, device: ctypes.c_int) -> int:  # noqa: N802
        self.calls.append(("retain", device.value))
        return 0

    def cuDevicePrimaryCtxRelease_v2(self, device: int) -> int:  # noqa: N802
        self.calls.append(("release", device))
        return 0


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver = Driver()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("ctypes.CDLL", lambda name: driver)
    return driver


def test_contexts_are_created_by_a_thread_and_released_at_the_end(driver: Driver) -> None:
    with cuda_warmed_up((0, 1)):
        pass
    each = [("flags", 10), ("retain", 10), ("flags", 11), ("retain", 11)]
    assert driver.calls == [*each, ("release", 10), ("release", 11)]
    assert not [thread for thread in threading.enumerate() if thread.name == "uprez-cuda"]


def test_gpu_that_does_not_exist_is_left_to_the_session(driver: Driver) -> None:
    with cuda_warmed_up((7,)):
        pass
    assert driver.calls == []


def test_machine_without_a_driver_is_left_alone(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)
    with cuda_warmed_up((0,)):
        pass
    assert driver.calls == []


def test_machine_without_cuda_core_starts_no_thread(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with cuda_warmed_up((0,)):
        assert not [thread for thread in threading.enumerate() if thread.name == "uprez-cuda"]
    assert driver.calls == []

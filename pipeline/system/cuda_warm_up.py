"""Initialisation of CUDA in the background, which takes some tenths of a second and needs nothing of Python's."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

_BLOCKING_SYNC = 4  # CU_CTX_SCHED_BLOCKING_SYNC, as `pipeline.system.cuda.Gpu` sets it


@contextlib.contextmanager
def cuda_warmed_up(devices: Sequence[int]) -> Iterator[None]:
    """Inside, a thread initialises CUDA and creates the primary contexts of `devices`, if this machine has CUDA.

    Meanwhile the caller can import libraries, look at a source and plan. Nothing depends on the thread: what fails here
    fails again where a GPU is opened, and is reported there. The driver is called by ctypes, because importing
    cuda-core would take the interpreter's lock for longer than the initialisation itself.

    At the end the contexts are released; those that are in use stay.
    """
    if not devices or importlib.util.find_spec("cuda") is None:
        yield
        return
    held: list[tuple[Any, int]] = []
    thread = threading.Thread(target=_create_contexts, args=(devices, held), name="uprez-cuda", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        for driver, device in held:
            driver.cuDevicePrimaryCtxRelease_v2(device)


def _create_contexts(devices: Sequence[int], held: list[tuple[Any, int]]) -> None:
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:  # no driver
        return
    if driver.cuInit(0):
        return
    for ordinal in devices:
        device, context = ctypes.c_int(), ctypes.c_void_p()
        if driver.cuDeviceGet(ctypes.byref(device), ordinal):
            return
        driver.cuDevicePrimaryCtxSetFlags_v2(device, _BLOCKING_SYNC)
        if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
            return
        held.append((driver, device.value))

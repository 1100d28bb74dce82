"""What NVIDIA's driver tells of its GPUs while they work."""

from __future__ import annotations

import functools
from typing import Any

from pipeline.live.stats import GpuFigures


def gpu_use() -> tuple[GpuFigures, ...]:
    """All GPUs of this machine that tell, in the driver's order; none without a driver, or without nvidia-ml-py."""
    nvml = _opened()
    if nvml is None:
        return ()
    try:
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError:  # the driver has lost them
        return ()
    found = (_figures(nvml, index) for index in range(count))
    return tuple(figures for figures in found if figures)


@functools.cache
def _opened() -> Any:
    """NVIDIA's library, kept open until the process ends, for opening it takes long; None if it can't be."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _figures(nvml: Any, index: int) -> GpuFigures | None:
    """None for a GPU that does not tell, as one that is cut into several."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        return GpuFigures(
            name=nvml.nvmlDeviceGetName(handle),
            use=nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
            memory=memory.used,
            memory_total=memory.total,
        )
    except nvml.NVMLError:
        return None

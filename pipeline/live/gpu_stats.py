"""Use and memory of NVIDIA GPUs, as the driver reports them."""

from __future__ import annotations

import functools
from typing import Any

from pipeline.live.stats import GpuFigures


def gpu_use() -> tuple[GpuFigures, ...]:
    """All GPUs of this machine that report their use, in the driver's order; none without a driver or nvidia-ml-py."""
    nvml = open_nvml()
    if nvml is None:
        return ()
    try:
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError:  # the driver has lost its GPUs
        return ()
    found = (_figures(nvml, index) for index in range(count))
    return tuple(figures for figures in found if figures)


@functools.cache
def open_nvml() -> Any:
    """NVIDIA's library, open until the process ends, as opening it takes long; None if that fails."""
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
    """The figures of one GPU; None if it does not report its use, as a partitioned one (MIG)."""
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

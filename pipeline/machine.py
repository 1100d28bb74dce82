"""The machine in a few words, for tables and reports."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import av
import psutil

from pipeline import cuda

_PACKAGES = "uprez numpy av onnxruntime tensorrt-rtx tensorrt cuda-core cuda-bindings".split()


def processor() -> str:
    """The processor's name, as its maker writes it where the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of main memory."""
    return int(psutil.virtual_memory().total)


def gpus() -> list[cuda.GpuFacts]:
    """The GPUs that CUDA can use here, none if it can't."""
    return [cuda.facts(ordinal) for ordinal in range(cuda.count())]


def versions() -> dict[str, str]:
    """Versions of Python, FFmpeg and the packages that matter to speed."""
    found = {"python": platform.python_version(), "ffmpeg": av.ffmpeg_version_info}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found

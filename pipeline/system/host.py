"""The machine in a few words, for tables and reports."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import av
import psutil

from pipeline.system import cuda

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
_CGROUP = Path("/sys/fs/cgroup")  # version 2, as it looks from inside a container
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
    """How many cores this process may use, by its affinity and by its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _told(_CGROUP / "cpu.max").partition(" ")
    return max(1, min(count, int(quota) // int(period))) if quota.isdigit() and period.isdigit() else count


def memory() -> int:
    """Bytes of main memory."""
    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Bytes of main memory that this process may still take, of the machine's and of its container's."""
    free = int(psutil.virtual_memory().available)
    most, used = _told(_CGROUP / "memory.max"), _told(_CGROUP / "memory.current")
    return max(0, min(free, int(most) - int(used))) if most.isdigit() and used.isdigit() else free


def _told(path: Path) -> str:
    """What a file of the system says, "" where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


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


def keep_memory_together() -> None:
    """Have the C library (glibc) keep two heaps for all threads, rather than some for each; for the whole process.

    Frames are made in one thread and freed in another, and threads come and go with scenes: over six minutes with a
    fault each ten seconds a stream of 640x360 grew from 132 to 147 MiB, and stayed at 127 so.
    """
    if sys.platform == "linux":
        choose = getattr(ctypes.CDLL(None), "mallopt", None)
        if choose is not None:
            choose(_ARENA_MAX, 2)


def give_back_memory() -> None:
    """Have the C library return what was freed to the system, where it can (glibc).

    It keeps freed frames of many threads for later, and with each decoder that comes and goes a little more of them:
    114 rather than 78 MiB after sixty connections at 960x540. Takes a millisecond or two.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

"""Facts about the machine (processor, cores, memory, GPUs, versions), and this process: its heap and open files."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import av
import psutil

from pipeline.system import cuda

_ARENA_MAX = -8  # M_ARENA_MAX in glibc's malloc.h
_MANY_FILES = 65_536
CGROUP_FOLDER = Path("/sys/fs/cgroup")  # cgroup version 2, as mounted inside a container
_PACKAGES = "uprez numpy av onnxruntime openvino tensorrt-rtx tensorrt cuda-core cuda-bindings".split()


def processor() -> str:
    """The processor's model name on Linux, otherwise the best description that Python has."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """The number of cores that this process may use, limited by its affinity and by its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(CGROUP_FOLDER / "cpu.max").partition(" ")
    return max(1, min(count, int(quota) // int(period))) if quota.isdigit() and period.isdigit() else count


def total_memory() -> int:
    """Main memory of the machine, in bytes."""
    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Main memory that this process can still allocate, in bytes, limited by the machine and by its container."""
    free = int(psutil.virtual_memory().available)
    limit, used = _read(CGROUP_FOLDER / "memory.max"), _read(CGROUP_FOLDER / "memory.current")
    return max(0, min(free, int(limit) - int(used))) if limit.isdigit() and used.isdigit() else free


def _read(path: Path) -> str:
    """The content of a small system file, "" if there is no such file."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def gpus() -> list[cuda.GpuFacts]:
    """The GPUs that CUDA can use; an empty list if CUDA is unavailable."""
    return [cuda.gpu_facts(ordinal) for ordinal in range(cuda.count())]


def versions() -> dict[str, str]:
    """Versions of Python, FFmpeg and the installed packages that affect speed, by name."""
    found = {"python": platform.python_version(), "ffmpeg": av.ffmpeg_version_info}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def limit_malloc_arenas() -> None:
    """Limit glibc's allocator to two arenas for the rest of the process, instead of some for each thread.

    Frames are allocated in one thread and freed in another, and live streams start and end threads all the time.
    Measured over six minutes with a fault every ten seconds: a stream of 640x360 grew from 132 to 147 MiB with the
    default, and stayed at 127 MiB with two arenas.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_ARENA_MAX, 2)


def raise_file_limit() -> None:
    """Let this process open as many files as the system allows it to: the usual soft limit, 1024, is for `select`."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS allows less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def trim_heap() -> None:
    """Return freed heap memory to the system (glibc's malloc_trim). Takes a millisecond or two.

    The allocator keeps the freed frames of many threads, a little more with each decoder that is opened and closed.
    Measured after sixty connections at 960x540: 114 MiB without trimming, 78 MiB with it.
    """
    if sys.platform == "linux":
        malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if malloc_trim is not None:
            malloc_trim(0)

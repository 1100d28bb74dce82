"""Facts about the machine, and the allocator's settings."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline.system import host


def test_trim_heap_returns_freed_memory_to_the_system() -> None:
    arrays = [np.ones(60_000, np.uint8) for _ in range(2000)]  # each too small to be mapped by itself
    before = psutil.Process().memory_info().rss
    last = arrays[-1]
    arrays.clear()
    host.trim_heap()
    assert psutil.Process().memory_info().rss < before
    assert last.all()


def test_the_quota_of_a_container_limits_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "CGROUP_FOLDER", tmp_path)
    unlimited = host.cores()
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert host.cores() == unlimited
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert host.cores() == 1
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert host.cores() == 1


def test_the_limit_of_a_container_limits_the_available_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "CGROUP_FOLDER", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert host.available_memory() == 600_000
    (tmp_path / "memory.current").write_text("1400000\n")
    assert host.available_memory() == 0


def test_versions_name_python_ffmpeg_and_the_installed_packages() -> None:
    assert {"python", "ffmpeg", "numpy", "av"} <= set(host.versions())


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process as POSIX has them")
def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (64, 500));"
        "from pipeline.system.host import raise_file_limit; raise_file_limit(); print(r.getrlimit(r.RLIMIT_NOFILE))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "(500, 500)\n"

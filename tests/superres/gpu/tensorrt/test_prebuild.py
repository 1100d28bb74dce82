"""Engines built ahead of time; tests/gpu/test_engines.py builds them on a GPU."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.superres.gpu.tensorrt import library, prebuild
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.system import cuda
from pipeline.system.cuda import GpuFacts
from tests.superres.gpu.tensorrt.keys import KEY


def test_engines_of_another_machine_are_unusable(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    cache.fetch(KEY, "a model", bytes, lambda: b"engine")
    assert prebuild.unusable_engines(cache) == [tmp_path / f"{KEY.digest}.engine"]


def test_engines_of_this_gpu_driver_and_library_are_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = library.load("rtx").version if "rtx" in library.installed() else pytest.skip("no TensorRT-RTX")
    key = replace(KEY, version=version)
    monkeypatch.setattr(cuda, "count", lambda: 1)
    monkeypatch.setattr(cuda, "gpu_facts", lambda ordinal: GpuFacts(key.gpu, key.capability, key.driver, 1, "uuid"))
    cache = EngineCache(tmp_path)
    cache.fetch(key, "a model", bytes, lambda: b"engine")
    assert prebuild.unusable_engines(cache) == []
    cache.fetch(replace(key, driver="1.2.3"), "a model", bytes, lambda: b"engine")
    assert len(prebuild.unusable_engines(cache)) == 1

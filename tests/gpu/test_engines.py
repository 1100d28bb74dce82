"""Engines on a GPU: validation, precisions, several sizes, cache."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.errors import BackendError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.tensorrt import prebuild
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.gpu.sessions import open_gpu_session, with_cache
from tests.superres.networks import open_cpu_session
from tests.superres.oracle import saturated


@pytest.mark.parametrize("spoiled", ["black", "nan", "noise"])
def test_a_wrong_engine_is_refused_and_not_cached(
    tmp_path: Path, frame: Frame, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    reference = validation.reference_output
    spoilers: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "black": lambda output: output * 0 - 1,
        "nan": lambda output: output * np.nan,
        "noise": lambda output: np.random.default_rng(0).random(output.shape),
    }
    spoil = spoilers[spoiled]
    monkeypatch.setattr(validation, "reference_output", lambda model, image: spoil(reference(model, image)))
    model = replace(catalogue.find("clear-x2", np.float16), name="spoiled")
    with pytest.raises(BackendError, match="is wrong"):
        open_gpu_session(model, frame.format, options=with_cache(EngineCache(tmp_path)))
    assert not list(tmp_path.glob("*.engine"))


@pytest.mark.parametrize(("precision", "decibels"), [("fp32", 60), ("tf32", 50), ("fp16", 45), ("bf16", 35)])
@pytest.mark.parametrize("name", ["clear-x2", "srvgg-24x8"])
def test_every_precision_reaches_its_psnr(name: str, precision: str, decibels: float) -> None:
    format = FrameFormat(192, 128, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    with (
        open_gpu_session(catalogue.find(name, precision), format) as gpu,
        open_cpu_session(catalogue.find(name, "fp32"), format) as cpu,
    ):
        fast = gpu.collect(gpu.submit(saturated(format)))
        slow = cpu.collect(cpu.submit(saturated(format)))
        assert min(psnr(a, b) for a, b in zip(fast.planes, slow.planes, strict=True)) >= decibels
        fast.release()


def test_one_engine_supports_all_sizes_in_its_range(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    model = catalogue.find("clear-x2", np.float16)
    entry = prebuild.prebuild_engine(model, Shapes((64, 64), (128, 128), (256, 320)), 0, "auto", cache)
    for width, height in ((64, 64), (130, 98), (320, 256)):
        format = FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(1, False))
        with (
            open_gpu_session(model, format, options=with_cache(cache)) as many,
            open_gpu_session(model, format, options=with_cache(EngineCache(tmp_path / "fixed"))) as fixed,
        ):
            a, b = (s.collect(s.submit(saturated(format))) for s in (many, fixed))
            assert min(psnr(x, y) for x, y in zip(a.planes, b.planes, strict=True)) >= 45
            a.release()
            b.release()
    assert [kept.path for kept in cache.entries()] == [entry.path]


def test_an_engine_of_another_driver_is_unusable(tmp_path: Path, frame: Frame) -> None:
    cache = EngineCache(tmp_path)
    model = catalogue.find("clear-x2", np.float16)
    open_gpu_session(model, frame.format, options=with_cache(cache)).close()
    (entry,) = cache.entries()
    assert prebuild.unusable_engines(cache) == []
    description = json.loads(entry.path.with_suffix(".json").read_text())
    description["key"]["driver"] = "1.2.3"
    entry.path.with_suffix(".json").write_text(json.dumps(description))
    assert prebuild.unusable_engines(cache) == [entry.path]


def test_the_engine_command_builds_lists_and_removes_engines(tmp_path: Path) -> None:
    def engine(*arguments: str) -> str:
        command = [sys.executable, "-m", "pipeline.cli.main", "engine", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return ended.stdout

    assert "for 96x64" in engine("build", "--size", "96x64", "--model", "clear-x2")
    assert "for 32x32 to 96x96, best at 64x64" in engine("build", "--shapes", "32x32,64x64,96x96")
    listed = engine("list")
    assert "96x64" in listed
    assert "32x32 to 96x96" in listed
    assert "removed" in engine("clean", "--all")
    assert "96x64" not in engine("list")

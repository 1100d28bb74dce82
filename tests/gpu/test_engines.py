"""Engines on a GPU: trusted, of every precision, of many sizes, kept."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.errors import BackendError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.session import TensorRtSession
from pipeline.superres.gpu.tensorrt import prebuild
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.superres.oracle import saturated


@pytest.mark.parametrize("spoiled", ["black", "nan", "noise"])
def test_an_engine_that_is_wrong_is_refused_and_not_kept(
    tmp_path: Path, frame: Frame, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    right = validation.reference
    spoil = {
        "black": lambda made: made * 0 - 1,
        "nan": lambda made: made * np.nan,
        "noise": lambda made: np.random.default_rng(0).random(made.shape),
    }[spoiled]
    monkeypatch.setattr(validation, "reference", lambda model, picture: spoil(right(model, picture)))
    model = replace(catalogue.find("clear-x2", np.float16), name="spoiled")
    with pytest.raises(BackendError, match="is not right"):
        TensorRtSession(model, frame.format, cache=EngineCache(tmp_path))
    assert not list(tmp_path.glob("*.engine"))


@pytest.mark.parametrize(("precision", "decibels"), [("fp32", 60), ("tf32", 50), ("fp16", 45), ("bf16", 35)])
@pytest.mark.parametrize("name", ["clear-x2", "srvgg-24x8"])
def test_every_precision_is_as_exact_as_it_can_be(name: str, precision: str, decibels: float) -> None:
    format = FrameFormat(192, 128, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    with (
        TensorRtSession(catalogue.find(name, precision), format) as gpu,
        OnnxSession(catalogue.find(name, "fp32"), format) as cpu,
    ):
        fast, slow = (s.collect(s.submit(saturated(format))) for s in (gpu, cpu))
        assert min(psnr(a, b) for a, b in zip(fast.planes, slow.planes, strict=True)) >= decibels
        fast.release()


def test_one_engine_serves_all_sizes_between(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    model = catalogue.find("clear-x2", np.float16)
    entry = prebuild.build(model, Shapes((64, 64), (128, 128), (256, 320)), 0, "auto", cache)
    for width, height in ((64, 64), (130, 98), (320, 256)):
        format = FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(1, False))
        with (
            TensorRtSession(model, format, cache=cache) as many,
            TensorRtSession(model, format, cache=EngineCache(tmp_path / "fixed")) as fixed,
        ):
            a, b = (s.collect(s.submit(saturated(format))) for s in (many, fixed))
            assert min(psnr(x, y) for x, y in zip(a.planes, b.planes, strict=True)) >= 45
            a.release()
            b.release()
    assert [kept.path for kept in cache.entries()] == [entry.path]


def test_an_engine_of_another_driver_is_not_used(tmp_path: Path, frame: Frame) -> None:
    cache = EngineCache(tmp_path)
    model = catalogue.find("clear-x2", np.float16)
    TensorRtSession(model, frame.format, cache=cache).close()
    (entry,) = cache.entries()
    assert prebuild.useless(cache) == []
    told = json.loads(entry.path.with_suffix(".json").read_text())
    told["key"]["driver"] = "1.2.3"
    entry.path.with_suffix(".json").write_text(json.dumps(told))
    assert prebuild.useless(cache) == [entry.path]


def test_the_command_builds_lists_and_cleans(tmp_path: Path) -> None:
    def engine(*arguments: str) -> str:
        command = [sys.executable, "-m", "pipeline.cli.main", "engine", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    assert "for 96x64" in engine("build", "--size", "96x64", "--model", "clear-x2")
    assert "for 32x32 to 96x96, best at 64x64" in engine("build", "--shapes", "32x32,64x64,96x96")
    listed = engine("list")
    assert "96x64" in listed
    assert "32x32 to 96x96" in listed
    assert "removed" in engine("clean", "--all")
    assert "96x64" not in engine("list")

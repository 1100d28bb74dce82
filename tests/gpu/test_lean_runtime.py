"""TensorRT's own runtime, which runs plans of TensorRT in the package's code.

`tensorrt-lean-cu12-libs` and `tensorrt-lean-cu12-bindings` install the lean runtime from PyPI. It builds nothing, so
UPREZ_TEST_PLANS names a folder of plans of clear-x2 in fp16: `fixed.plan` for 960x540, and `range.plan` for 320x180 to
1920x1080, best at 960x540. A builder of another version makes them with the flags VERSION_COMPATIBLE and
EXCLUDE_LEAN_RUNTIME.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.compute import ComputeOptions
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.system.cuda import Gpu
from tests.gpu.sessions import open_gpu_session, upscale_frames
from tests.superres.oracle import saturated

FIXED = Shapes.fixed(540, 960)
RANGE = Shapes((180, 320), (540, 960), (1080, 1920))


@pytest.fixture
def lean() -> Any:
    return pytest.importorskip("tensorrt_lean_bindings", reason="TensorRT's lean runtime is not installed")


@pytest.fixture
def loaded(lean: Any, monkeypatch: pytest.MonkeyPatch) -> library.TensorRtLibrary:
    """The lean runtime, in the place of TensorRT."""
    if "tensorrt" in library.installed():
        pytest.skip("TensorRT itself is installed")
    monkeypatch.setitem(sys.modules, "tensorrt", lean)
    return library.load("tensorrt")


@pytest.fixture
def resources(loaded: library.TensorRtLibrary, tmp_path: Path) -> EngineResources:
    """Resources with an empty cache."""
    return EngineResources(Gpu(0), loaded, EngineCache(tmp_path), catalogue.find("clear-x2", np.float16))


def install(resources: EngineResources, name: str, shapes: Shapes) -> None:
    """Put a plan into the cache as the engine for `shapes`."""
    plan = Path(os.environ.get("UPREZ_TEST_PLANS", ""), name)
    if not plan.is_file():
        pytest.skip(f"no {name}: set UPREZ_TEST_PLANS to a folder of plans")
    key = resources.key(shapes)
    resources.cache.fetch(key, resources.model.name, lambda data: data, plan.read_bytes)


def test_a_damaged_plan_is_refused_with_the_logged_reason(loaded: library.TensorRtLibrary) -> None:
    assert loaded.create_runtime().deserialize_cuda_engine(b"no plan!" * 16) is None
    assert not loaded.lacks_memory
    assert loaded.last_error() != "TensorRT gave no reason"


@pytest.mark.parametrize(("name", "shapes"), [("fixed.plan", FIXED), ("range.plan", RANGE)])
def test_a_plan_agrees_with_onnx_runtime(resources: EngineResources, name: str, shapes: Shapes) -> None:
    install(resources, name, shapes)
    network = Network(resources, 540, 960)
    lanes = [network.lane(), network.lane()]
    try:
        assert network.has_fixed_size == shapes.is_fixed
        for lane in lanes:
            validation.validate_engine(resources.model, lane.run_once, 540, 960)
    finally:
        for lane in lanes:
            lane.close()
        network.close()


def test_a_session_gives_the_frames_of_the_fused_kernels(resources: EngineResources) -> None:
    install(resources, "fixed.plan", FIXED)
    format = FrameFormat(960, 540, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    frames = [saturated(format, seed) for seed in range(6)]
    outputs = []
    for options in (ComputeOptions(engine="tensorrt", cache=resources.cache), ComputeOptions(engine="fused")):
        with open_gpu_session(resources.model, format, options=options) as session:
            outputs.append(upscale_frames(session, frames, in_flight=4))
    for planes, expected in zip(*outputs, strict=True):
        for a, b in zip(planes, expected, strict=True):
            assert psnr(a, b, peak=255) >= 45

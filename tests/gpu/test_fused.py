"""Sessions whose network is computed by fused kernels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.colour.psnr import psnr
from pipeline.config.settings import Settings
from pipeline.errors import ModelError
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.models import catalogue
from pipeline.models.inspection import inspect_model
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.compute import ComputeOptions
from pipeline.superres.gpu.network_choice import open_network
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import EngineResources
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.system.cuda import Gpu
from tests.gpu.sessions import open_gpu_session, upscale_frames
from tests.superres.gpu.fused.kernel_cases import FAMILIES
from tests.superres.gpu.fused.networks import (
    repeating_network,
)
from tests.superres.networks import OpenSession, open_cpu_session
from tests.superres.oracle import saturated
from tests.superres.session_suite import SessionSuite

FUSED = ComputeOptions(engine="fused")
SIZES = [(1, 1), (2, 3), (5, 200), (200, 5), (63, 65), (129, 257), (270, 481)]


def saved(path: Path, model: onnx.ModelProto) -> ModelSpec:
    """The network in fp16, as a file."""
    from pipeline.models.precision import convert_precision

    path.write_bytes(convert_precision(model, "fp16").SerializeToString())
    return inspect_model(path)


class TestFusedSession(SessionSuite):
    """The behaviour of every session, around stacks that repeat each pixel."""

    dtype = np.float16

    @pytest.fixture
    def open_session(self) -> OpenSession:
        return partial(open_gpu_session, options=FUSED)

    @pytest.fixture
    def identity(self, tmp_path: Path) -> ModelSpec:
        return saved(tmp_path / "identity.onnx", repeating_network(1))

    @pytest.fixture
    def nearest(self, tmp_path: Path) -> ModelSpec:
        return saved(tmp_path / "nearest.onnx", repeating_network(2))

    @pytest.fixture
    def identity_of_luma(self, tmp_path: Path) -> ModelSpec:
        return saved(tmp_path / "identity.onnx", repeating_network(1, planes=1))

    @pytest.fixture
    def nearest_of_luma(self, tmp_path: Path) -> ModelSpec:
        return saved(tmp_path / "nearest.onnx", repeating_network(2, planes=1))

    @pytest.fixture
    def overshooting(self, tmp_path: Path) -> ModelSpec:
        return saved(tmp_path / "overshooting.onnx", repeating_network(2, gain=1.5))


@pytest.mark.timeout(300)  # kernels are compiled and timed for seven sizes
@pytest.mark.parametrize("family", FAMILIES)
def test_fused_kernels_agree_with_onnx_runtime_at_every_size(family: str, tmp_path: Path) -> None:
    spec = saved(tmp_path / "model.onnx", FAMILIES[family]())
    resources = EngineResources(Gpu(0), library.load(), EngineCache(tmp_path), spec)
    from pipeline.superres.gpu.validation import reference_output

    for height, width in SIZES:
        image = np.random.default_rng(0).random((1, spec.channels, height, width)).astype(np.float16)
        network = open_network(resources, "fused", height, width)
        lane = network.lane()
        outputs = [lane.run_once(image) for _ in range(2)]
        lane.close()
        network.close()
        expected = reference_output(spec, image)
        assert np.array_equal(outputs[0], outputs[1])
        error = np.linalg.norm(outputs[0] - expected) / np.linalg.norm(expected)
        assert error <= 1.5e-3, (height, width)


@pytest.mark.parametrize("pixel", ["yuv420p", "gbrp", "gray16le", "yuv422p10le", "yuva444p12le"])
def test_clear_x2_agrees_with_the_cpu_to_45_decibels(pixel: str) -> None:
    format = FrameFormat(192, 128, PIXEL_FORMATS[pixel], Colour(1, False))
    peak = (1 << format.pixel.depth) - 1
    with (
        open_gpu_session(catalogue.find("clear-x2", np.float16), format, options=FUSED) as gpu,
        open_cpu_session(catalogue.find("clear-x2", np.float32), format) as cpu,
    ):
        assert "fused kernels" in gpu.backend
        for seed in range(3):
            fast = gpu.collect(gpu.submit(saturated(format, seed)))
            slow = cpu.collect(cpu.submit(saturated(format, seed)))
            for a, b in zip(fast.planes, slow.planes, strict=True):
                assert psnr(a, b, peak=peak) >= 45
            fast.release()


@pytest.mark.parametrize("name", ["clear-x2", "span-24x2"])
def test_tiles_give_the_frame_that_a_single_tile_gives(name: str) -> None:
    format = FrameFormat(640, 480, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    model, frames = catalogue.find(name, np.float16), [saturated(format, seed) for seed in range(3)]
    with open_gpu_session(model, format, options=FUSED, slots=3) as session:
        complete = upscale_frames(session, frames, in_flight=3)
    small = ComputeOptions(engine="fused", vram=60 * 2**20)
    with open_gpu_session(model, format, options=small, slots=3) as session:
        assert "tiles a frame" in session.backend
        tiled = upscale_frames(session, frames, in_flight=3)
    for a, b in zip(complete, tiled, strict=True):
        assert all(psnr(x, y) >= 60 for x, y in zip(a, b, strict=True))


def test_sessions_in_several_threads_share_the_kernels_and_give_the_same_frames() -> None:
    format = FrameFormat(64, 64, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    model, frames = catalogue.find("srvgg-24x8", np.float16), [saturated(format, seed) for seed in range(12)]
    request = SessionRequest("tensorrt", model, format, Settings(engine="fused", slots=4))
    with SharedSessions() as shared, ThreadPoolExecutor(4) as threads:
        sessions = [shared.open(request) for _ in range(4)]
        outputs = list(threads.map(lambda session: upscale_frames(session, frames, in_flight=3), sessions))
        for session in sessions:
            session.close()
    for output in outputs[1:]:
        for a, b in zip(output, outputs[0], strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_fused_kernels_and_tensorrt_are_compared_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    resources = EngineResources(Gpu(0), library.load(), EngineCache(tmp_path), catalogue.find("srvgg-24x8", np.float16))
    for _ in range(2):
        network = open_network(resources, "auto", 270, 480)
        assert network.title == "fused kernels"
        network.close()
    assert len([record for record in caplog.records if "comparing fused kernels" in record.message]) == 1


def test_a_network_that_is_no_stack_is_refused_with_the_reason(tmp_path: Path) -> None:
    resources = EngineResources(Gpu(0), library.load(), EngineCache(tmp_path), catalogue.find("identity", np.float16))
    with pytest.raises(ModelError, match=r"`engine` fused can't compute identity"):
        open_network(resources, "fused", 64, 64)
    network = open_network(resources, "auto", 64, 64)
    assert network.title.startswith("TensorRT")
    network.close()


def test_a_session_needs_no_tensorrt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "installed", list)
    source = FrameFormat(96, 64, PIXEL_FORMATS["yuv420p"], Colour(matrix=1, full_range=False))
    frames = [saturated(source, seed) for seed in range(3)]
    model = catalogue.find("clear-x2", np.float16)
    with open_gpu_session(model, source, options=ComputeOptions(cache=EngineCache(tmp_path))) as session:
        assert session.backend.startswith("fused kernels on ")
        outputs = upscale_frames(session, frames)
    with open_cpu_session(catalogue.find("clear-x2", np.float32), source) as session:
        expected = upscale_frames(session, frames)
    for planes, references in zip(outputs, expected, strict=True):
        assert min(map(psnr, planes, references)) > 45

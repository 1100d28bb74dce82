"""Networks in OpenVINO: with a fake of the library, and with the library itself where it is installed."""

import gc
import importlib.util
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from weakref import ref

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config.settings import Settings
from pipeline.errors import BackendError
from pipeline.flow.blocking import Aborted
from pipeline.flow.fair_lock import FairLock
from pipeline.frame import FrameFormat
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu import openvino
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.cpu.runtimes import RUNTIMES
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.output_check import measure_agreement, textured_image
from pipeline.superres.sessions import SessionRequest, SharedSessions
from tests.superres.networks import OpenSession, load_on_cpu, quarter_tiles
from tests.superres.oracle import saturated
from tests.superres.session_suite import SessionSuite
from tests.waiting import in_thread, joined, until

OPENVINO = next(runtime for runtime in RUNTIMES if runtime.name == "openvino")
MODEL = catalogue.find("clear-x2", np.float32)
installed = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")


class FakeRequest:
    """An inference request that repeats each pixel, and runs until `finish` is set or it is cancelled."""

    def __init__(self) -> None:
        self.finish, self.cancelled = threading.Event(), False
        self.started = 0
        self.output = np.empty(0, np.float32)

    def start_async(self, inputs: list[NDArray[Any]], share_inputs: bool) -> None:
        self.started += 1
        self.output = inputs[0].repeat(2, axis=2).repeat(2, axis=3)

    def wait(self) -> None:
        until(lambda: self.finish.is_set() or self.cancelled)
        if self.cancelled:
            self.cancelled = False
            raise RuntimeError("Exception from src/infer.cpp:79:\nInfer Request was canceled\n")

    def cancel(self) -> None:
        self.cancelled = True

    def get_output_tensor(self) -> Any:
        return SimpleNamespace(data=self.output)


class FakeLibrary:
    """What is used of `openvino`, with a record of the options."""

    def __init__(self) -> None:
        self.request = FakeRequest()
        self.options: dict[str, Any] = {}
        self.shapes: list[list[int]] = []

    def Core(self) -> Any:  # noqa: N802  # the library's name
        return self

    def read_model(self, path: str) -> Any:
        assert path == str(MODEL.path)
        return SimpleNamespace(reshape=self.shapes.append)

    def compile_model(self, network: Any, device: str, options: dict[str, Any]) -> Any:
        assert device == "CPU"
        self.options = options
        return SimpleNamespace(create_infer_request=lambda: self.request)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    fake = FakeLibrary()
    monkeypatch.setattr(openvino, "load_openvino", lambda: fake)
    monkeypatch.setattr("pipeline.superres.cpu.runtimes.CpuRuntime.version", "1")
    return fake


def test_a_network_is_compiled_for_one_size_in_fp32_with_the_requested_threads(library: FakeLibrary) -> None:
    network = CpuNetwork(MODEL, (48, 64), OPENVINO, threads=3)
    assert network.backend == "OpenVINO 1 on the CPU"
    assert library.shapes == [[1, 3, 48, 64]]
    assert library.options["INFERENCE_PRECISION_HINT"] == "f32"
    assert library.options["INFERENCE_NUM_THREADS"] == 3
    CpuNetwork(MODEL, (48, 64), OPENVINO)
    assert "INFERENCE_NUM_THREADS" not in library.options


def test_each_output_has_memory_of_its_own(library: FakeLibrary) -> None:
    library.request.finish.set()
    run = CpuNetwork(MODEL, (8, 8), OPENVINO).runner()
    image = textured_image(8, 8, MODEL)
    first = run(image)
    assert not np.shares_memory(first, library.request.output)
    np.testing.assert_array_equal(first, image.repeat(2, axis=2).repeat(2, axis=3))


def test_abort_cancels_the_run_of_its_own_session_alone(library: FakeLibrary) -> None:
    network = CpuNetwork(MODEL, (8, 8), OPENVINO)
    first, second = network.runner(), network.runner()
    image = textured_image(8, 8, MODEL)
    thread, outcome = in_thread(lambda: first(image))
    until(lambda: library.request.started == 1)
    second.abort()
    assert not library.request.cancelled
    first.abort()
    joined(thread)
    assert outcome == [Aborted]
    for aborted in (first, second):
        with pytest.raises(Aborted):
            aborted(image)
    assert library.request.started == 1


def test_a_request_that_was_aborted_before_its_run_does_not_start_it(library: FakeLibrary) -> None:
    request = OPENVINO.load(MODEL, (8, 8), 0).request()
    request.abort()
    with pytest.raises(RuntimeError, match="aborted"):
        request.run(textured_image(8, 8, MODEL))
    assert library.request.started == 0


def test_an_error_of_the_library_is_reported_without_its_place_in_the_source(library: FakeLibrary) -> None:
    run = CpuNetwork(MODEL, (8, 8), OPENVINO).runner()
    library.request.cancelled = True  # by nobody
    with pytest.raises(BackendError, match=r"^OpenVINO failed on clear-x2 .*: Infer Request was canceled$"):
        run(textured_image(8, 8, MODEL))


@installed
class TestOpenVinoSession(SessionSuite):
    @pytest.fixture
    def open_session(self) -> OpenSession:
        def open_(
            model: ModelSpec, source: FrameFormat, output: FrameFormat | None = None, strength: float = 1.0
        ) -> OnnxSession:
            network = load_on_cpu(model, source.width, source.height, OPENVINO)
            return OnnxSession(network, source, output, strength=strength)

        return open_


@installed
class TestOpenVinoSessionInTiles(SessionSuite):
    @pytest.fixture
    def open_session(self) -> OpenSession:
        def open_tiled(
            model: ModelSpec, source: FrameFormat, output: FrameFormat | None = None, strength: float = 1.0
        ) -> OnnxSession:
            tiling = quarter_tiles(source)
            network = load_on_cpu(model, tiling.tile_width, tiling.tile_height, OPENVINO)
            return OnnxSession(network, source, output, tiling, strength)

        return open_tiled


@installed
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (37, 53), (90, 160)])
@pytest.mark.parametrize("name", ["clear-x2", "srvgg-4x1"])
def test_the_library_agrees_with_onnx_runtime_at_any_size(name: str, size: tuple[int, int]) -> None:
    model = catalogue.find(name, np.float32)
    image = textured_image(*size, model)
    expected = CpuNetwork(model, size).runner()(image)
    for threads in (0, 1):
        output = CpuNetwork(model, size, OPENVINO, threads).runner()(image)
        assert measure_agreement(output, expected, model, least=100) >= 100


@installed
def test_a_compiled_network_refuses_another_size() -> None:
    run = CpuNetwork(MODEL, (48, 64), OPENVINO).runner()
    with pytest.raises(BackendError, match="OpenVINO failed on clear-x2"):
        run(textured_image(32, 64, MODEL))


@installed
def test_abort_ends_a_run_of_the_library() -> None:
    model, cores = catalogue.find("srvgg-64x16", np.float32), FairLock()
    run = CpuNetwork(model, (720, 1280), OPENVINO, fair_lock=cores).runner()  # many seconds of a run
    thread, outcome = in_thread(lambda: run(textured_image(720, 1280, model)))
    until(lambda: cores.taken)
    run.abort()
    joined(thread)
    assert outcome == [Aborted]


@installed
def test_sessions_of_one_size_share_a_compiled_network_which_is_freed_with_the_last(small_format: FrameFormat) -> None:
    settings = Settings.load(None, engine="openvino")
    wide = replace(small_format, width=64)
    with SharedSessions() as shared:
        sessions = [shared.open(SessionRequest("onnx", MODEL, format, settings)) for format in (small_format,) * 2]
        other = shared.open(SessionRequest("onnx", MODEL, wide, settings))
        networks = [ref(network) for network in shared._networks.values()]  # private: sessions do not show theirs
        assert len(networks) == 2
        assert "OpenVINO" in other.backend
        outputs = [session.collect(session.submit(saturated(small_format))).planes for session in sessions]
        assert all(np.array_equal(*planes) for planes in zip(*outputs, strict=True))
        for session in (*sessions, other):
            session.close()
        gc.collect()
        assert [network() for network in networks] == [None, None]

"""Sessions on the CPU that share a network: it is loaded once, used in turn, and freed with the last session."""

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from weakref import ref

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import BackendError
from pipeline.flow.blocking import Aborted
from pipeline.frame import Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.cpu.runtimes import LoadedNetwork, RunRequest
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.sessions import SessionRequest, SharedSessions, open_session
from tests.superres.cpu.fake_runtimes import FakeRuntimes
from tests.superres.oracle import saturated
from tests.waiting import joined, queued, until

SETTINGS = Settings(engine="onnxruntime")


@pytest.fixture
def model() -> ModelSpec:
    return catalogue.find("srvgg-4x1", np.float32)


@pytest.fixture
def shared() -> Iterator[SharedSessions]:
    with SharedSessions() as sessions:
        yield sessions


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list["ref[CpuNetwork]"]:
    """Weak references to the networks that were loaded."""
    networks: list[ref[CpuNetwork]] = []
    original = CpuNetwork.__init__

    def count(network: CpuNetwork, *arguments: object, **options: object) -> None:
        networks.append(ref(network))
        original(network, *arguments, **options)  # type: ignore[arg-type]  # the arguments are passed on

    monkeypatch.setattr(CpuNetwork, "__init__", count)
    return networks


def open_shared(shared: SharedSessions, model: ModelSpec, format: FrameFormat) -> OnnxSession:
    session = shared.open(SessionRequest("onnx", model, format, SETTINGS))
    assert isinstance(session, OnnxSession)
    return session


def upscale(session: OnnxSession, frame: Frame) -> list[np.ndarray]:
    return list(session.collect(session.submit(frame)).planes)


def start(*works: Callable[[], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, name="uprez-test", daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def test_a_model_is_loaded_once_for_frames_of_any_size(
    shared: SharedSessions, model: ModelSpec, small_format: FrameFormat, loaded: list["ref[CpuNetwork]"]
) -> None:
    other = catalogue.find("identity", np.float32)
    wide = replace(small_format, width=64)
    with (
        open_shared(shared, model, small_format),
        open_shared(shared, model, wide),
        open_shared(shared, other, small_format),
    ):
        networks = [reference() for reference in loaded]
        assert [network.model for network in networks if network] == [model, other]


def test_a_network_is_freed_with_the_last_session_and_loaded_again_for_the_next(
    shared: SharedSessions, model: ModelSpec, small_format: FrameFormat, loaded: list["ref[CpuNetwork]"]
) -> None:
    first, second = open_shared(shared, model, small_format), open_shared(shared, model, small_format)
    first.close()
    gc.collect()
    assert loaded[0]() is not None
    second.close()
    gc.collect()
    assert loaded[0]() is None
    with open_shared(shared, model, small_format) as third:
        assert upscale(third, saturated(small_format))
    assert len(loaded) == 2


@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_a_runtime_that_can_not_load_the_network_at_its_size_is_replaced_unless_it_was_requested(
    fakes: FakeRuntimes, model: ModelSpec, small_format: FrameFormat, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    large = replace(small_format, width=640, height=360)
    fast = fakes.runtime("openvino", 0.5)

    def load(model: ModelSpec, size: tuple[int, int], threads: int) -> LoadedNetwork:
        if size == (360, 640):
            raise MemoryError("no memory for 640x360")
        return fast.load(model, size, threads)

    fakes.install(fakes.runtime("onnxruntime", 1.0, any_size=True), replace(fast, load=load))
    request = SessionRequest("onnx", model, large, Settings.load(None, engine=engine))
    with SharedSessions() as shared:
        if engine == "openvino":
            with pytest.raises(BackendError, match="Openvino can't load srvgg-4x1: no memory for 640x360"):
                shared.open(request)
            return
        with shared.open(request) as session:
            assert session.backend.startswith("Onnxruntime")
        assert caplog.messages[-1].endswith("no memory for 640x360; ONNX Runtime is used")
        with shared.open(replace(request, source=small_format)) as session:
            assert session.backend.startswith("Openvino")


def test_sessions_in_four_threads_give_the_same_frames_as_one_alone(
    shared: SharedSessions, model: ModelSpec, small_format: FrameFormat
) -> None:
    frames = [saturated(small_format, seed) for seed in range(24)]
    with open_session(SessionRequest("onnx", model, small_format, SETTINGS)) as alone:
        assert isinstance(alone, OnnxSession)
        expected = [upscale(alone, frame) for frame in frames]
    outputs: dict[int, list[list[np.ndarray]]] = {}

    def work(number: int) -> None:
        with open_shared(shared, model, small_format) as session:
            outputs[number] = [upscale(session, frame) for frame in frames[number::4]]

    joined(*start(*(partial(work, number) for number in range(4))))
    for number in range(4):
        for ours, theirs in zip(outputs[number], expected[number::4], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_busy_sessions_get_equal_shares_and_an_occasional_one_is_served_in_its_turn(
    shared: SharedSessions, small_format: FrameFormat, model: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    run = CpuNetwork.run
    cores = shared.cores

    def record(network: CpuNetwork, tensor: np.ndarray, request: RunRequest) -> np.ndarray:
        order.append(threading.current_thread().name.removeprefix("uprez-"))
        until(lambda: cores.waiting >= 4 or len(order) > 46)  # all five busy sessions wait at any time
        return run(network, tensor, request)

    def frames(count: int) -> Callable[[], None]:
        session = open_shared(shared, model, small_format)

        def submit() -> None:
            with session:
                for seed in range(count):
                    session.submit(saturated(small_format, seed))

        return submit

    monkeypatch.setattr(CpuNetwork, "run", record)
    with cores.gate():
        threads = queued(cores, **{name: frames(10) for name in "abcde"}, occasional=frames(1))
    joined(*threads)
    assert order[:6] == [*"abcde", "occasional"]
    assert {name: order[6:36].count(name) for name in "abcde"} == dict.fromkeys("abcde", 6)
    assert len(order) == 51


def test_abort_ends_the_run_and_the_wait_of_its_own_session_alone(
    shared: SharedSessions, small_format: FrameFormat
) -> None:
    slow = catalogue.find("srvgg-64x16", np.float32)
    large = replace(small_format, width=1280, height=720)  # many seconds of a run
    outcome: dict[str, str] = {}
    first, waiting = open_shared(shared, slow, large), open_shared(shared, slow, large)
    other = open_shared(shared, catalogue.find("identity", np.float32), small_format)

    def submit(name: str, session: OnnxSession, frame: Frame) -> None:
        try:
            session.submit(frame)
            outcome[name] = "done"
        except Aborted:
            outcome[name] = "aborted"

    with first, waiting, other:
        threads = start(lambda: submit("first", first, saturated(large)))
        until(lambda: shared.cores.taken)
        threads += queued(
            shared.cores,
            waiting=lambda: submit("waiting", waiting, saturated(large)),
            other=lambda: submit("other", other, saturated(small_format)),
        )
        waiting.abort()
        joined(threads[1])
        assert outcome == {"waiting": "aborted"}
        first.abort()
        joined(*threads)
        assert outcome == {"waiting": "aborted", "first": "aborted", "other": "done"}

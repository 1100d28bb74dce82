"""Sessions on the CPU that share a network: once loaded, in turn, each with its own pictures."""

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.flow.blocking import Aborted
from pipeline.frame import Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu import network as cpu_network
from pipeline.superres.cpu.session import OnnxSession
from pipeline.superres.sessions import SharedSessions, open_session
from tests.superres.oracle import saturated
from tests.waiting import DEADLINE, queued, until

SETTINGS = Settings()


@pytest.fixture
def model() -> ModelSpec:
    return catalogue.find("srvgg-4x1", np.float32)


@pytest.fixture
def shared() -> Iterator[SharedSessions]:
    with SharedSessions() as sessions:
        yield sessions


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[ModelSpec]:
    """The networks that were loaded."""
    models: list[ModelSpec] = []
    init = cpu_network.CpuNetwork.__init__

    def counted(network: cpu_network.CpuNetwork, model: ModelSpec, *others: object, **more: object) -> None:
        models.append(model)
        init(network, model, *others, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(cpu_network.CpuNetwork, "__init__", counted)
    return models


def opened(shared: SharedSessions, model: ModelSpec, format: FrameFormat) -> OnnxSession:
    session = shared.open("onnx", model, format, SETTINGS)
    assert isinstance(session, OnnxSession)
    return session


def made(session: OnnxSession, frame: Frame) -> list[np.ndarray]:
    return list(session.collect(session.submit(frame)).planes)


def test_a_model_is_loaded_once_for_frames_of_any_size(
    shared: SharedSessions, model: ModelSpec, small_format: FrameFormat, loaded: list[ModelSpec]
) -> None:
    other = catalogue.find("identity", np.float32)
    formats = small_format, replace(small_format, width=64)
    with opened(shared, model, formats[0]), opened(shared, model, formats[1]), opened(shared, other, formats[0]):
        assert loaded == [model, other]


def test_it_goes_with_the_last_session_and_comes_back_with_the_next(
    shared: SharedSessions, model: ModelSpec, small_format: FrameFormat, loaded: list[ModelSpec]
) -> None:
    first, second = opened(shared, model, small_format), opened(shared, model, small_format)
    network = ref(first._network._network)
    first.close()
    gc.collect()
    assert network() is not None
    second.close()
    gc.collect()
    assert network() is None
    with opened(shared, model, small_format) as again:
        assert made(again, saturated(small_format))
    assert loaded == [model, model]


def test_pictures_from_threads_that_share_are_those_of_one_alone(
    shared: SharedSessions, model: ModelSpec, small_format: FrameFormat
) -> None:
    frames = [saturated(small_format, seed) for seed in range(24)]
    with open_session("onnx", model, small_format, SETTINGS) as lone:
        expected = [made(lone, frame) for frame in frames]  # type: ignore[arg-type]
    results: dict[int, list[list[np.ndarray]]] = {}

    def work(number: int) -> None:
        with opened(shared, model, small_format) as session:
            results[number] = [made(session, frame) for frame in frames[number::4]]

    threads = [threading.Thread(target=work, args=(number,), name="uprez-test", daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    for number in range(4):
        for ours, theirs in zip(results[number], expected[number::4], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_five_greedy_streams_share_alike_and_a_modest_one_gets_all_it_wants(
    shared: SharedSessions, small_format: FrameFormat, model: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    run = cpu_network.CpuNetwork.run
    cores = shared._cores

    def noted(network: cpu_network.CpuNetwork, tensor: np.ndarray, options: object) -> np.ndarray:
        order.append(threading.current_thread().name.removeprefix("uprez-"))
        until(lambda: cores.waiting >= 4 or len(order) > 46)  # all five greedy ones want a turn at any time
        return run(network, tensor, options)

    def frames(count: int) -> Callable[[], None]:
        session = opened(shared, model, small_format)

        def submit() -> None:
            with session:
                for seed in range(count):
                    session.submit(saturated(small_format, seed))

        return submit

    monkeypatch.setattr(cpu_network.CpuNetwork, "run", noted)
    with cores.gate():
        threads = queued(cores, **{name: frames(10) for name in "abcde"}, modest=frames(1))
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()
    assert order[:6] == [*"abcde", "modest"]
    assert {name: order[6:36].count(name) for name in "abcde"} == dict.fromkeys("abcde", 6)
    assert len(order) == 51


def test_abort_ends_a_run_and_the_waits_of_its_own_stream_alone(
    shared: SharedSessions, small_format: FrameFormat
) -> None:
    slow = catalogue.find("srvgg-64x16", np.float32)
    large = replace(small_format, width=1280, height=720)  # many seconds of a run
    outcome: list[str] = []
    first, waiting = opened(shared, slow, large), opened(shared, slow, large)
    other = opened(shared, catalogue.find("identity", np.float32), small_format)

    def submit(session: OnnxSession, frame: Frame) -> None:
        try:
            session.submit(frame)
            outcome.append("done")
        except Aborted:
            outcome.append("aborted")

    with first, waiting, other:
        threads = [threading.Thread(target=submit, args=(first, saturated(large)), name="uprez-test", daemon=True)]
        threads[0].start()
        until(lambda: shared._cores.taken)
        threads += queued(
            shared._cores,
            waiting=lambda: submit(waiting, saturated(large)),
            other=lambda: submit(other, saturated(small_format)),
        )
        waiting.abort()
        threads[1].join(DEADLINE)
        assert outcome == ["aborted"]
        first.abort()
        for thread in threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
        assert outcome == ["aborted", "aborted", "done"]

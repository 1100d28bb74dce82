"""The number of streams that a machine carries, and the simulated streams that find it."""

import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics.simulated_stream import Schedule, SimulatedStream, stream_workload
from pipeline.diagnostics.stream_capacity import CapacityTrial, largest, measure_stream_capacity
from pipeline.errors import BackendError
from pipeline.flow.blocking import Aborted
from pipeline.frame import Frame
from pipeline.models import catalogue
from pipeline.superres.sessions import SessionRequest, open_session
from tests.waiting import DEADLINE, joined

SETTINGS = Settings.load(None, backend="onnx", model="identity")


@pytest.mark.parametrize("limit", [1, 2, 7, 8, 100])
def test_the_largest_number_is_found_by_bisection(limit: int) -> None:
    for held in range(limit + 1):
        tried: list[int] = []

        def holds(number: int, held: int = held, tried: list[int] = tried) -> bool:
            tried.append(number)
            return number <= held

        assert largest(holds, limit) == held
        assert len(tried) == len(set(tried)) <= 2 * limit.bit_length() + 1


def test_a_workload_repeats_a_clip_forwards_and_backwards(clip: Path) -> None:
    workload = stream_workload(clip, Fraction(30), decode=True)
    assert len(workload.frames) == 22
    assert len(workload.packets) == 22
    assert (workload.frames[12].planes[0] == workload.frames[10].planes[0]).all()


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("preset", [None, "ultrafast"])
def test_a_stream_accounts_for_every_frame(clip: Path, decode: bool, preset: str | None) -> None:
    workload = stream_workload(clip, Fraction(100), decode, preset)
    model = catalogue.find("identity", "fp32")
    begin = time.monotonic()
    with open_session(SessionRequest("onnx", model, workload.format, SETTINGS)) as session:
        stream = SimulatedStream(session, workload, 1, Schedule(begin, begin, begin + 0.3))
        stream.start()
        stream.join()
    assert stream.frames == 30
    assert len(stream.delays) + stream.dropped == 30


def test_an_error_of_a_thread_is_raised_by_join(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object, frame: Frame) -> object:
        raise BackendError("planted")

    monkeypatch.setattr("pipeline.superres.cpu.session.OnnxSession.submit", failing)
    workload = stream_workload(clip, Fraction(1, 60))  # so that no frame is late, and dropped, under load
    begin = time.monotonic()
    with open_session(SessionRequest("onnx", catalogue.find("identity", "fp32"), workload.format, SETTINGS)) as session:
        stream = SimulatedStream(session, workload, 1, Schedule(begin, begin, begin + 10))
        stream.start()
        with pytest.raises(BackendError, match="planted"):
            stream.join()


def test_capacity_reports_each_trial(clip: Path) -> None:
    trials: list[CapacityTrial] = []
    workload = stream_workload(clip, Fraction(10))
    found = measure_stream_capacity(SETTINGS, workload, seconds=0.3, most=1, on_trial=trials.append)
    assert found.trials == trials
    assert found.holds == max((trial.streams for trial in trials if trial.held), default=0)
    assert all(trial.frames == 3 for trial in trials)


def test_a_stream_that_hangs_is_an_error(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()

    def hang(*_: object) -> object:
        going_on.wait(DEADLINE)
        raise Aborted

    # The real one is 30 seconds for each of three threads.
    monkeypatch.setattr("pipeline.diagnostics.simulated_stream._JOIN_SECONDS", 0.2)
    monkeypatch.setattr("pipeline.superres.cpu.session.OnnxSession.collect", hang)
    workload = stream_workload(clip, Fraction(1, 60))  # so that no frame is late, and dropped, under load
    begin = time.monotonic()
    with open_session(SessionRequest("onnx", catalogue.find("identity", "fp32"), workload.format, SETTINGS)) as session:
        stream = SimulatedStream(session, workload, 1, Schedule(begin, begin, begin + 0.1))
        stream.start()
        with pytest.raises(BackendError, match=r"a simulated stream did not end within 0\.2 s"):
            stream.join()
        going_on.set()
        joined(*(thread for thread in threading.enumerate() if thread.name.startswith("uprez-simulated")))

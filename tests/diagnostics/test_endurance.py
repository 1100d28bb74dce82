"""Checks over many frames."""

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics import endurance
from pipeline.diagnostics.endurance import EnduranceSample, measure_endurance
from pipeline.flow.pipeline import Pipeline
from pipeline.superres.cpu.session import OnnxSession
from tests.waiting import DEADLINE

SETTINGS = Settings.load(None, backend="onnx", model="identity", preset="ultrafast")


@pytest.fixture(autouse=True)
def _sampled_while_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds the run at its frame 50 until a sample has been taken, however late this thread is scheduled."""
    sampled, numbers, submit = threading.Event(), itertools.count(), OnnxSession.submit

    def sample(**values: Any) -> EnduranceSample:
        sampled.set()
        return EnduranceSample(**values)

    def held_submit(session: OnnxSession, frame: Any) -> Any:
        assert next(numbers) != 50 or sampled.wait(DEADLINE)
        return submit(session, frame)

    monkeypatch.setattr(endurance, "EnduranceSample", sample)
    monkeypatch.setattr(OnnxSession, "submit", held_submit)


@pytest.mark.parametrize("encode", [False, True])
def test_every_frame_passes_and_nothing_is_left_over(clip: Path, encode: bool) -> None:
    report = measure_endurance(clip, SETTINGS, 100, encode)
    assert report.frames == report.samples[-1].frames == 100
    assert (report.slots, report.slots_leaked) == (0, 0)
    assert report.threads_after <= report.threads_before + 1
    assert report.threads_most > report.threads_before
    assert (report.encoder is not None) == encode
    assert report.at(1) == report.samples[-1]
    assert report.grown_gpu is None


def test_run_that_ends_before_a_sample_is_due_has_a_rate(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Pipeline.wait
    monkeypatch.setattr(Pipeline, "wait", lambda pipeline, tick: wait(pipeline))
    report = measure_endurance(clip, SETTINGS, 3)
    (sample,) = report.samples
    assert report.rate == sample.frames / sample.seconds

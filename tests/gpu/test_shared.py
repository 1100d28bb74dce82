"""Several streams on one GPU: each gets its own frames, and they share one engine."""

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.config.settings import Settings
from pipeline.errors import MismatchError, OutOfMemory
from pipeline.flow.blocking import Aborted
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu.tensorrt.engine import EngineKey
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import Lane
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.system.cuda import Gpu
from tests.gpu.sessions import tensorrt, upscale_frames
from tests.superres.oracle import saturated
from tests.waiting import all_at_once

FORMAT = FrameFormat(320, 180, PIXEL_FORMATS["yuv420p"], Colour(1, False))
SETTINGS = Settings.load(None, slots=3, engine=tensorrt().engine)
DEADLINE = 50.0
MIB = 2**20

Frames = list[list[np.ndarray]]


def open_shared(shared: SharedSessions, format: FrameFormat = FORMAT) -> Session[Any]:
    model = catalogue.find("srvgg-24x8", np.float16)
    return shared.open(SessionRequest("tensorrt", model, format, SETTINGS))


def clip(seed: int, format: FrameFormat = FORMAT, frames: int = 40) -> list[Frame]:
    return [replace(saturated(format, 1000 * seed + pts), pts=pts) for pts in range(frames)]


def upscale(session: Session[Any], frames: list[Frame]) -> Frames:
    """Upscale `frames`, two of them in flight at once."""
    return upscale_frames(session, frames, in_flight=2)


def same(ours: Frames, theirs: Frames) -> bool:
    return all(np.array_equal(a, b) for x, y in zip(ours, theirs, strict=True) for a, b in zip(x, y, strict=True))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models whose engines were loaded."""
    names: list[str] = []
    fetch = EngineCache.fetch

    def count(cache: EngineCache, key: EngineKey, model: str, *functions: Any) -> Any:
        names.append(model)
        return fetch(cache, key, model, *functions)

    monkeypatch.setattr(EngineCache, "fetch", count)
    return names


def test_six_sessions_in_six_threads_give_the_same_frames_as_one_alone_from_one_engine(loaded: list[str]) -> None:
    clips = [clip(seed) for seed in range(6)]
    with SharedSessions() as alone, open_shared(alone) as session:
        expected = [upscale(session, frames) for frames in clips]
    loaded.clear()
    results: dict[int, Frames] = {}
    together = threading.Barrier(len(clips), timeout=DEADLINE)

    def work(number: int) -> None:
        with open_shared(shared) as session:
            together.wait()
            results[number] = upscale(session, clips[number])
            together.wait()

    with SharedSessions() as shared:
        all_at_once([partial(work, number) for number in range(len(clips))], DEADLINE)
    assert len(loaded) == 1
    assert all(same(results[number], expected[number]) for number in range(len(clips)))


def test_all_memory_is_free_after_the_last_session(loaded: list[str]) -> None:
    gpu = Gpu(0)
    free = []
    with SharedSessions() as shared:
        for _ in range(4):
            sessions = [open_shared(shared) for _ in range(4)]
            for session in sessions:
                upscale(session, clip(1, frames=4))
            for session in sessions:
                session.close()
            free.append(gpu.free_memory)
    assert len(loaded) >= 4
    assert abs(free[-1] - free[0]) < 8 * MIB  # the driver allocates its own share the first time


def test_sessions_of_other_sizes_that_open_and_close_do_not_affect_a_busy_one() -> None:
    frames = clip(1, frames=200)
    others = [replace(FORMAT, width=width) for width in (64, 96, 128)]
    results: list[Frames] = []
    at_work = threading.Event()
    with SharedSessions() as shared, open_shared(shared) as session:
        expected = upscale(session, frames)

        def work() -> None:
            while not at_work.is_set():
                results.append(upscale(session, frames))

        def open_and_close() -> None:
            try:
                for format in others * 3:
                    with open_shared(shared, format) as other:
                        upscale(other, clip(2, format, frames=4))
            finally:
                at_work.set()

        all_at_once([work, open_and_close], DEADLINE)
    assert results
    assert all(same(outputs, expected) for outputs in results)


def test_closing_a_session_with_frames_in_flight_does_not_affect_the_other() -> None:
    frames = clip(1)
    with SharedSessions() as shared, open_shared(shared) as session:
        expected = upscale(session, frames)

        def open_and_close() -> None:
            for seed in range(10):
                with open_shared(shared) as leaving:
                    for frame in clip(seed, frames=3):
                        leaving.submit(frame)

        results: list[Frames] = []
        all_at_once([open_and_close, lambda: results.extend(upscale(session, frames) for _ in range(5))], DEADLINE)
    assert all(same(outputs, expected) for outputs in results)


def test_a_session_without_a_collector_and_one_that_fails_do_not_affect_a_third() -> None:
    outcome: list[str] = []
    with (
        SharedSessions() as shared,
        open_shared(shared) as stuck,
        open_shared(shared) as failing,
        open_shared(shared) as session,
    ):

        def submit_too_many() -> None:
            try:
                for frame in clip(1):
                    stuck.submit(frame)
            except Aborted:
                outcome.append("aborted")

        waiting = threading.Thread(target=submit_too_many, name="uprez-test", daemon=True)
        waiting.start()
        with pytest.raises(MismatchError):
            failing.submit(saturated(replace(FORMAT, width=64)))
        assert len(upscale(session, clip(2))) == 40
        assert waiting.is_alive()
        stuck.abort()
        waiting.join(DEADLINE)
        assert outcome == ["aborted"]
        assert len(upscale(failing, clip(3))) == 40


def test_tiles_become_smaller_for_all_sessions_if_memory_runs_out_and_no_frame_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, calls = Lane.run, []
    format = replace(FORMAT, width=640, height=480)
    clips = [clip(seed, format, frames=12) for seed in range(3)]

    def sometimes(lane: Lane) -> None:
        calls.append(1)
        if len(calls) in (7, 8, 9):  # a frame, and the first run of the plans with two contexts and one
            raise OutOfMemory("no memory, says this test")
        run(lane)

    with SharedSessions() as shared:
        sessions = [open_shared(shared, format) for _ in clips]
        expected = [upscale(session, frames) for session, frames in zip(sessions, clips, strict=True)]
        monkeypatch.setattr(Lane, "run", sometimes)
        results: dict[int, Frames] = {}

        def work(number: int) -> None:
            results[number] = upscale(sessions[number], clips[number])

        all_at_once([partial(work, number) for number in range(3)], DEADLINE)
        for session in sessions:
            session.close()
    for number in range(3):
        for x, y in zip(expected[number], results[number], strict=True):
            assert all(psnr(a, b) >= 50 for a, b in zip(x, y, strict=True))
    assert [record.message for record in caplog.records if "smaller tiles" in record.message]

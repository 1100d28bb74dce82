"""Several streams on one GPU: each gets its own pictures, and what is heavy is there once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.colour.psnr import psnr
from pipeline.config.settings import Settings
from pipeline.errors import MismatchError, OutOfMemory
from pipeline.flow.blocking import Aborted
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu.tensorrt.network import Lane, Network
from pipeline.superres.session import Session
from pipeline.superres.sessions import SharedSessions
from pipeline.system.cuda import Gpu
from tests.superres.oracle import saturated

FORMAT = FrameFormat(320, 180, PIXEL_FORMATS["yuv420p"], Colour(1, False))
SETTINGS = Settings(slots=3)
DEADLINE = 50.0
MIB = 2**20

Pictures = list[list[np.ndarray]]


def opened(shared: SharedSessions, format: FrameFormat = FORMAT) -> Session[Any]:
    return shared.open("tensorrt", catalogue.find("srvgg-24x8", np.float16), format, SETTINGS)


def clip(seed: int, format: FrameFormat = FORMAT, frames: int = 40) -> list[Frame]:
    return [replace(saturated(format, 1000 * seed + pts), pts=pts) for pts in range(frames)]


def made(session: Session[Any], frames: list[Frame]) -> Pictures:
    """What becomes of `frames`, two of them under way at once."""
    tickets: list[Any] = []
    pictures: Pictures = []
    for frame in [*frames, None, None]:
        if len(tickets) == 2 or frame is None:
            done = session.collect(tickets.pop(0))
            assert done.pts == len(pictures)
            pictures.append([plane.copy() for plane in done.planes])
            done.release()
        if frame is not None:
            tickets.append(session.submit(frame))
    return pictures


def all_at_once(works: list[Callable[[], None]]) -> None:
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), name="uprez-test", daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def same(ours: Pictures, theirs: Pictures) -> bool:
    return all(np.array_equal(a, b) for x, y in zip(ours, theirs, strict=True) for a, b in zip(x, y, strict=True))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models whose engines were deserialised."""
    names: list[str] = []
    inner = Network._deserialized

    def counted(network: Network, plan: bytes) -> Any:
        names.append(network.model.name)
        return inner(network, plan)

    monkeypatch.setattr(Network, "_deserialized", counted)
    return names


def test_six_in_six_threads_give_bit_for_bit_what_one_alone_gives_from_one_engine(loaded: list[str]) -> None:
    clips = [clip(seed) for seed in range(6)]
    with SharedSessions() as alone, opened(alone) as session:
        expected = [made(session, frames) for frames in clips]
    loaded.clear()
    results: dict[int, Pictures] = {}
    together = threading.Barrier(len(clips), timeout=DEADLINE)

    def work(number: int) -> None:
        with opened(shared) as session:
            together.wait()
            results[number] = made(session, clips[number])
            together.wait()

    with SharedSessions() as shared:
        all_at_once([lambda number=number: work(number) for number in range(len(clips))])  # type: ignore[misc]
    assert len(loaded) == 1
    assert all(same(results[number], expected[number]) for number in range(len(clips)))


def test_what_they_took_is_free_again_after_the_last(loaded: list[str]) -> None:
    gpu = Gpu(0)
    free = []
    with SharedSessions() as shared:
        for _ in range(4):
            sessions = [opened(shared) for _ in range(4)]
            for session in sessions:
                made(session, clip(1, frames=4))
            for session in sessions:
                session.close()
            free.append(gpu.free_memory)
    assert len(loaded) >= 4
    assert abs(free[-1] - free[0]) < 8 * MIB  # what the driver takes for itself, it takes the first time


def test_streams_of_other_sizes_that_come_and_go_do_not_disturb_one_at_work() -> None:
    frames = clip(1, frames=200)
    others = [replace(FORMAT, width=width) for width in (64, 96, 128)]
    results: list[Pictures] = []
    at_work = threading.Event()
    with SharedSessions() as shared, opened(shared) as session:
        expected = made(session, frames)

        def work() -> None:
            while not at_work.is_set():
                results.append(made(session, frames))

        def come_and_go() -> None:
            try:
                for format in others * 3:
                    with opened(shared, format) as other:
                        made(other, clip(2, format, frames=4))
            finally:
                at_work.set()

        all_at_once([work, come_and_go])
    assert results
    assert all(same(pictures, expected) for pictures in results)


def test_one_closed_in_mid_work_leaves_the_others_whole() -> None:
    frames = clip(1)
    with SharedSessions() as shared, opened(shared) as session:
        expected = made(session, frames)

        def come_and_go() -> None:
            for seed in range(10):
                with opened(shared) as leaving:
                    for frame in clip(seed, frames=3):
                        leaving.submit(frame)

        results: list[Pictures] = []
        all_at_once([come_and_go, lambda: results.extend(made(session, frames) for _ in range(5))])
    assert all(same(pictures, expected) for pictures in results)


def test_one_that_nobody_collects_from_and_one_that_fails_stand_alone() -> None:
    outcome: list[str] = []
    with SharedSessions() as shared, opened(shared) as stuck, opened(shared) as failing, opened(shared) as session:

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
        assert len(made(session, clip(2))) == 40
        assert waiting.is_alive()
        stuck.abort()
        waiting.join(DEADLINE)
        assert outcome == ["aborted"]
        assert len(made(failing, clip(3))) == 40


def test_memory_that_runs_out_makes_tiles_smaller_for_all_and_costs_no_frame(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, calls = Lane.run, []
    format = replace(FORMAT, width=640, height=480)
    clips = [clip(seed, format, frames=12) for seed in range(3)]

    def sometimes(lane: Lane) -> None:
        calls.append(1)
        if len(calls) in (7, 9):
            raise OutOfMemory("no room, says this test")
        run(lane)

    with SharedSessions() as shared:
        sessions = [opened(shared, format) for _ in clips]
        expected = [made(session, frames) for session, frames in zip(sessions, clips, strict=True)]
        monkeypatch.setattr(Lane, "run", sometimes)
        results: dict[int, Pictures] = {}

        def work(number: int) -> None:
            results[number] = made(sessions[number], clips[number])

        all_at_once([lambda number=number: work(number) for number in range(3)])  # type: ignore[misc]
        for session in sessions:
            session.close()
    for number in range(3):
        for x, y in zip(expected[number], results[number], strict=True):
            assert all(psnr(a, b) >= 50 for a, b in zip(x, y, strict=True))
    assert [record.message for record in caplog.records if "smaller tiles" in record.message]

"""Sessions that share a GPU, on one that is not there: whose frames are whose, who waits for whom, who frees what."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import BackendError, MismatchError, OutOfMemory
from pipeline.flow.blocking import Aborted
from pipeline.frame import Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu.compute import Compute
from pipeline.superres.gpu.session import TensorRtSession
from pipeline.superres.session import Session
from pipeline.superres.sessions import SharedSessions
from tests.superres.fake_gpu import FakeGpu, FakeNetwork, FakePasses
from tests.superres.fake_gpu import gpu as gpu
from tests.superres.oracle import saturated

DEADLINE = 20.0
MODEL = "identity"

Open = Callable[..., TensorRtSession]


@pytest.fixture
def format(small_format: FrameFormat) -> FrameFormat:
    return replace(small_format, width=320, height=240)


@pytest.fixture
def open(gpu: FakeGpu, format: FrameFormat) -> Iterator[Open]:
    """Opens a session of three slots; all together may take what `vram` says."""
    with SharedSessions() as shared:

        def opened(vram: int | None = None, format: FrameFormat = format) -> Session[object]:
            settings = Settings(slots=3, vram=vram)
            return shared.open("tensorrt", catalogue.find(MODEL, np.float16), format, settings)

        yield opened  # type: ignore[misc]


def inverted(frame: Frame) -> list[np.ndarray]:
    return [~plane for plane in frame.planes]


def assert_right(done: Frame, given: Frame) -> None:
    """`done` is what was to be made of `given`; gives its slot back."""
    assert done.pts == given.pts
    for made, expected in zip(done.planes, inverted(given), strict=True):
        np.testing.assert_array_equal(made, expected)
    done.release()


def play(session: TensorRtSession, frames: list[Frame]) -> None:
    """Submit in one thread, collect in another, as the flow does."""
    tickets: list[object] = []
    came = threading.Semaphore(0)

    def submit() -> None:
        for frame in frames:
            tickets.append(session.submit(frame))
            came.release()

    thread = threading.Thread(target=submit, name="uprez-test", daemon=True)
    thread.start()
    for number, frame in enumerate(frames):
        assert came.acquire(timeout=DEADLINE)
        assert_right(session.collect(tickets[number]), frame)  # type: ignore[arg-type]
    thread.join(DEADLINE)
    assert not thread.is_alive()


def clip(format: FrameFormat, seed: int, frames: int = 12) -> list[Frame]:
    return [replace(saturated(format, 100 * seed + pts), pts=pts) for pts in range(frames)]


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


def test_a_lone_session_has_all_for_itself(gpu: FakeGpu, open: Open, format: FrameFormat) -> None:
    with open() as session:
        play(session, clip(format, 1))
        assert session.backend == "TensorRT-RTX 0 on fake"
    assert gpu.open == 0


def test_six_in_six_threads_get_their_own_pictures_from_one_engine(
    gpu: FakeGpu, open: Open, format: FrameFormat
) -> None:
    sessions: list[TensorRtSession] = []

    def work(seed: int) -> None:
        session = open()
        sessions.append(session)
        play(session, clip(format, seed))

    all_at_once([lambda seed=seed: work(seed) for seed in range(6)])  # type: ignore[misc]
    assert FakeNetwork.loaded == [(320, 240)]
    for session in sessions:
        assert not FakeNetwork.closed
        session.close()
    assert FakeNetwork.closed == [(320, 240)]
    assert gpu.open == 0


def test_another_format_has_an_engine_of_its_own(open: Open, format: FrameFormat) -> None:
    with open() as one, open(format=replace(format, width=160)) as other:
        play(one, clip(one.source, 1))
        play(other, clip(other.source, 2))
    assert FakeNetwork.loaded == [(320, 240), (160, 240)]


def test_after_the_last_was_closed_another_can_be_opened(gpu: FakeGpu, open: Open, format: FrameFormat) -> None:
    for _ in range(3):
        with open() as session:
            play(session, clip(format, 1, frames=2))
        assert gpu.open == 0
    assert len(FakeNetwork.loaded) == len(FakeNetwork.closed) == 3


def test_one_closed_in_mid_work_leaves_the_other_whole(open: Open, format: FrameFormat) -> None:
    frames = clip(format, 1)
    with open() as other:
        tickets = [other.submit(frame) for frame in frames[:2]]
        leaving = open()
        for frame in clip(format, 2, frames=3):
            leaving.submit(frame)
        tickets.append(other.submit(frames[2]))
        leaving.close()
        for ticket, frame in zip(tickets, frames, strict=False):
            assert_right(other.collect(ticket), frame)
        play(other, frames)


def test_one_that_nobody_collects_from_stands_still_alone_and_abort_wakes_it_alone(
    open: Open, format: FrameFormat
) -> None:
    outcome: list[str] = []
    with open() as stuck, open() as other:

        def submit_too_many() -> None:
            try:
                for frame in clip(format, 1):
                    stuck.submit(frame)
            except Aborted:
                outcome.append("aborted")

        waiting = threading.Thread(target=submit_too_many, name="uprez-test", daemon=True)
        waiting.start()
        play(other, clip(format, 2))
        assert waiting.is_alive()
        stuck.abort()
        waiting.join(DEADLINE)
        assert outcome == ["aborted"]
        play(other, clip(format, 3))


def test_a_frame_that_does_not_fit_is_refused_in_its_own_stream_alone(open: Open, format: FrameFormat) -> None:
    with open() as one, open() as other:
        with pytest.raises(MismatchError):
            one.submit(saturated(replace(format, width=64)))
        play(other, clip(format, 1))
        play(one, clip(format, 2))


def test_a_frame_that_fails_half_way_ends_its_own_stream_alone(
    open: Open, format: FrameFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "fails_at", {1})
    with open() as other:
        ticket = other.submit(saturated(format))
        with open() as failing, pytest.raises(BackendError, match="broken"):
            failing.submit(saturated(format, 1))
        assert_right(other.collect(ticket), saturated(format))
        play(other, clip(format, 2))


def test_memory_that_runs_out_makes_tiles_smaller_for_all_and_costs_no_frame(
    open: Open, format: FrameFormat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakePasses, "runs_out_at", {7, 8, 20})
    with open() as one, open() as two, open() as three:
        sessions = (one, two, three)
        all_at_once(
            [lambda s=s, seed=seed: play(s, clip(format, seed)) for seed, s in enumerate(sessions)]  # type: ignore[misc]
        )
        assert {session.tiling for session in sessions} == {one.tiling}
        assert not one.tiling.whole
    assert len([record for record in caplog.records if "smaller tiles" in record.message]) == 3


def test_where_no_smaller_tiles_are_left_each_is_told_and_it_can_be_opened_anew(
    gpu: FakeGpu, open: Open, format: FrameFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "runs_out_at", set(range(1000)))
    with open() as one, open() as two:
        for session in (one, two, one):
            with pytest.raises(OutOfMemory, match=r"do not fit into 0\.8 GiB"):
                session.submit(saturated(format))
    assert gpu.open == 0
    monkeypatch.setattr(FakePasses, "runs_out_at", set())
    with open() as again:
        assert again.tiling.whole
        play(again, clip(format, 1))


def test_one_more_than_the_budget_holds_is_refused_and_the_first_goes_on(gpu: FakeGpu, format: FrameFormat) -> None:
    model = catalogue.find(MODEL, np.float16)
    compute = Compute(model, format, format, vram=158_500_000)
    with TensorRtSession(model, format, compute=compute) as one:
        told = r"another stream of 320x240 yuv420p does not fit into 0\.1 GiB.*--vram"
        with pytest.raises(OutOfMemory, match=told):
            TensorRtSession(model, format, compute=compute)
        play(one, clip(format, 1))
    assert gpu.open == 0

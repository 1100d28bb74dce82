"""Sessions that share a GPU, with a fake one: frames, waits and memory of each session."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import BackendError, MismatchError, OutOfMemory
from pipeline.flow.blocking import Aborted
from pipeline.frame import PIXEL_FORMATS, DevicePlane, Frame, FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu.compute import Compute, ComputeOptions
from pipeline.superres.gpu.session import SlotTicket, TensorRtSession
from pipeline.superres.sessions import SessionRequest, SharedSessions
from tests.superres.fake_gpu import FakeBuffer, FakeGpu, FakeNetwork, FakePasses
from tests.superres.fake_gpu import gpu as gpu
from tests.superres.oracle import saturated
from tests.waiting import DEADLINE, all_at_once

MODEL = "identity"

Open = Callable[..., TensorRtSession]


@pytest.fixture
def format(small_format: FrameFormat) -> FrameFormat:
    return replace(small_format, width=320, height=240)


@pytest.fixture
def open_shared(gpu: FakeGpu, format: FrameFormat) -> Iterator[Open]:
    """Opens a session of three slots that shares the GPU with the others."""
    with SharedSessions() as shared:

        def open_session(format: FrameFormat = format) -> TensorRtSession:
            model = catalogue.find(MODEL, np.float16)
            session = shared.open(SessionRequest("tensorrt", model, format, Settings(slots=3)))
            assert isinstance(session, TensorRtSession)
            return session

        yield open_session


def inverted(frame: Frame) -> list[np.ndarray]:
    return [~plane for plane in frame.planes]


def assert_inverted(upscaled: Frame, source: Frame) -> None:
    """Assert that `upscaled` is the inverse of `source`, and release it."""
    assert upscaled.pts == source.pts
    for plane, expected in zip(upscaled.planes, inverted(source), strict=True):
        np.testing.assert_array_equal(plane, expected)
    upscaled.release()


def play(session: TensorRtSession, frames: list[Frame]) -> None:
    """Submit in one thread and collect in another, as a pipeline does."""
    tickets: list[SlotTicket] = []
    submitted = threading.Semaphore(0)

    def submit() -> None:
        for frame in frames:
            tickets.append(session.submit(frame))
            submitted.release()

    thread = threading.Thread(target=submit, name="uprez-test", daemon=True)
    thread.start()
    for number, frame in enumerate(frames):
        assert submitted.acquire(timeout=DEADLINE)
        assert_inverted(session.collect(tickets[number]), frame)
    thread.join(DEADLINE)
    assert not thread.is_alive()


def clip(format: FrameFormat, seed: int, frames: int = 12) -> list[Frame]:
    return [replace(saturated(format, 100 * seed + pts), pts=pts) for pts in range(frames)]


def test_a_single_session_upscales_all_frames_and_frees_all_memory(
    gpu: FakeGpu, open_shared: Open, format: FrameFormat
) -> None:
    with open_shared() as session:
        play(session, clip(format, 1))
        assert session.backend == "TensorRT-RTX 0 on fake"
    assert gpu.open_buffers == 0


def test_six_sessions_in_six_threads_get_their_own_frames_from_one_engine(
    gpu: FakeGpu, open_shared: Open, format: FrameFormat
) -> None:
    sessions: list[TensorRtSession] = []

    def work(seed: int) -> None:
        session = open_shared()
        sessions.append(session)
        play(session, clip(format, seed))

    all_at_once([partial(work, seed) for seed in range(6)])
    assert FakeNetwork.loaded == [(320, 240)]
    for session in sessions:
        assert not FakeNetwork.closed
        session.close()
    assert FakeNetwork.closed == [(320, 240)]
    assert gpu.open_buffers == 0


def test_a_session_of_another_format_has_its_own_engine(open_shared: Open, format: FrameFormat) -> None:
    with open_shared() as one, open_shared(format=replace(format, width=160)) as other:
        play(one, clip(one.source, 1))
        play(other, clip(other.source, 2))
    assert FakeNetwork.loaded == [(320, 240), (160, 240)]


def test_a_session_can_be_opened_after_the_last_was_closed(
    gpu: FakeGpu, open_shared: Open, format: FrameFormat
) -> None:
    for _ in range(3):
        with open_shared() as session:
            play(session, clip(format, 1, frames=2))
        assert gpu.open_buffers == 0
    assert len(FakeNetwork.loaded) == len(FakeNetwork.closed) == 3


def test_closing_a_session_with_frames_in_flight_does_not_affect_the_other(
    open_shared: Open, format: FrameFormat
) -> None:
    frames = clip(format, 1)
    with open_shared() as other:
        tickets = [other.submit(frame) for frame in frames[:2]]
        leaving = open_shared()
        for frame in clip(format, 2, frames=3):
            leaving.submit(frame)
        tickets.append(other.submit(frames[2]))
        leaving.close()
        for ticket, frame in zip(tickets, frames, strict=False):
            assert_inverted(other.collect(ticket), frame)
        play(other, frames)


def test_a_session_without_a_collector_stops_alone_and_abort_wakes_it(open_shared: Open, format: FrameFormat) -> None:
    outcome: list[str] = []
    with open_shared() as stuck, open_shared() as other:

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


def test_a_frame_of_another_size_is_refused_without_affecting_other_sessions(
    open_shared: Open, format: FrameFormat
) -> None:
    with open_shared() as one, open_shared() as other:
        with pytest.raises(MismatchError):
            one.submit(saturated(replace(format, width=64)))
        play(other, clip(format, 1))
        play(one, clip(format, 2))


def test_a_frame_that_fails_half_way_does_not_affect_other_sessions(
    open_shared: Open, format: FrameFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "fails_at", {1})
    with open_shared() as other:
        ticket = other.submit(saturated(format))
        with open_shared() as failing, pytest.raises(BackendError, match="broken"):
            failing.submit(saturated(format, 1))
        assert_inverted(other.collect(ticket), saturated(format))
        play(other, clip(format, 2))


def test_tiles_become_smaller_for_all_sessions_if_memory_runs_out_and_no_frame_is_lost(
    open_shared: Open, format: FrameFormat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakePasses, "runs_out_at", {7, 8, 20})
    with open_shared() as one, open_shared() as two, open_shared() as three:
        sessions = (one, two, three)
        all_at_once([partial(play, session, clip(format, seed)) for seed, session in enumerate(sessions)])
        assert {session.tiling for session in sessions} == {one.tiling}
        assert not one.tiling.is_single_tile
    assert len([record for record in caplog.records if "smaller tiles" in record.message]) == 3


def test_every_session_fails_if_no_smaller_tiles_are_left_and_a_new_one_can_be_opened(
    gpu: FakeGpu, open_shared: Open, format: FrameFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePasses, "runs_out_at", set(range(1000)))
    with open_shared() as one, open_shared() as two:
        for session in (one, two, one):
            with pytest.raises(OutOfMemory, match=r"do not fit into 0\.8 GiB"):
                session.submit(saturated(format))
    assert gpu.open_buffers == 0
    monkeypatch.setattr(FakePasses, "runs_out_at", set())
    with open_shared() as again:
        assert again.tiling.is_single_tile
        play(again, clip(format, 1))


def test_a_session_beyond_the_budget_is_refused_and_the_first_continues(gpu: FakeGpu, format: FrameFormat) -> None:
    model = catalogue.find(MODEL, np.float16)
    compute = Compute(model, format, options=ComputeOptions(vram=158_500_000))
    with TensorRtSession(compute) as one:
        message = r"another stream of 320x240 yuv420p does not fit into 0\.1 GiB.*`vram`"
        with pytest.raises(OutOfMemory, match=message):
            TensorRtSession(compute)
        play(one, clip(format, 1))
    assert gpu.open_buffers == 0


def decode(gpu: FakeGpu, frame: Frame, released: list[int]) -> Frame:
    """`frame` as NVDEC yields it: its samples are written later, and are garbage after it was released."""
    buffers = [FakeBuffer(gpu, plane.size) for plane in frame.planes]
    for buffer, plane in zip(buffers, frame.planes, strict=True):
        gpu.decoder.do(partial(np.copyto, buffer.array, plane.ravel()))

    def release() -> None:
        released.append(frame.pts)
        for buffer in buffers:
            buffer.close()

    planes = tuple(DevicePlane(buffer.handle, frame.format.width) for buffer in buffers)
    return replace(frame, planes=(), device_planes=planes, release=release, decoded=gpu.decoded_event())


@pytest.fixture
def decoded_format(format: FrameFormat) -> FrameFormat:
    return replace(format, pixel=PIXEL_FORMATS["nv12"])


def test_frames_of_nvdec_are_read_where_they_are_and_released_once_they_are_upscaled(
    gpu: FakeGpu, open_shared: Open, decoded_format: FrameFormat
) -> None:
    released: list[int] = []
    frames = clip(decoded_format, seed=1)
    with open_shared(decoded_format) as session:
        for first, second in zip(frames[::2], frames[1::2], strict=True):
            tickets = [session.submit(decode(gpu, frame, released)) for frame in (first, second)]
            assert released == [frame.pts for frame in frames[: first.pts]]
            for ticket, frame in zip(tickets, (first, second), strict=True):
                assert_inverted(session.collect(ticket), frame)
    assert released == [frame.pts for frame in frames]


def test_frames_of_nvdec_without_an_event_wait_for_the_decoder(
    gpu: FakeGpu, open_shared: Open, decoded_format: FrameFormat
) -> None:
    frame = clip(decoded_format, seed=1, frames=1)[0]
    with open_shared(decoded_format) as session:
        ticket = session.submit(replace(decode(gpu, frame, []), decoded=None))
        assert_inverted(session.collect(ticket), frame)


def test_frames_of_nvdec_in_flight_are_released_when_the_session_is_closed(
    gpu: FakeGpu, open_shared: Open, decoded_format: FrameFormat
) -> None:
    released: list[int] = []
    with open_shared(decoded_format) as session:
        for frame in clip(decoded_format, seed=1, frames=2):
            session.submit(decode(gpu, frame, released))
    assert released == [0, 1]

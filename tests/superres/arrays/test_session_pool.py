"""Sessions that are opened as formats change, and collected in one thread, with sessions that do nothing."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pipeline.errors import BackendError, MismatchError, OutOfMemory, UprezError
from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.frame import Frame, FrameFormat
from pipeline.superres.arrays.session_pool import KEPT_SESSIONS, FrameJob, SessionPool
from pipeline.superres.session import Session
from tests.waiting import DEADLINE, all_at_once, joined, until


class SlotSession:
    """Stands in for a session of two slots, whose frames are their own result.

    Attributes:
        format: Format of its frames.
        on_device: Whether frames stay on the GPU.
        free: Free slots.
        collect_error: What `collect` raises.
        submit_error: What `submit` raises.
        keeps: Frames are released in `collect`, as those in GPU memory are.
        closed: True after `close`.
    """

    def __init__(self, format: FrameFormat, on_device: bool = False) -> None:
        self.format, self.on_device = format, on_device
        self.free: Channel[int] = Channel(2)
        for slot in range(2):
            self.free.put(slot)
        self.collect_error: Exception | None = None
        self.submit_error: BaseException | None = None
        self.keeps = False
        self.closed = False

    def submit(self, frame: Frame) -> tuple[int, Frame]:
        if self.submit_error:
            raise self.submit_error
        slot = self.free.get()
        if not self.keeps:
            frame.release()
        return slot, frame

    def collect(self, ticket: tuple[int, Frame]) -> Frame:
        if self.collect_error:
            raise self.collect_error
        slot, frame = ticket
        if self.keeps:
            frame.release()
        return replace(frame, release=lambda: self.free.put(slot))

    def abort(self) -> None:
        self.free.abort()

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class Opener:
    """Opens SlotSessions.

    Attributes:
        sessions: All of them.
        most: Number of sessions that may be open; more are out of memory.
    """

    def __init__(self) -> None:
        self.sessions: list[SlotSession] = []
        self.most = 99

    def __call__(self, format: FrameFormat, on_device: bool) -> Session[Any]:
        if sum(not session.closed for session in self.sessions) >= self.most:
            raise OutOfMemory("full, says this test")
        self.sessions.append(SlotSession(format, on_device))
        opened: Any = self.sessions[-1]
        return opened  # type: ignore[no-any-return]


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def pool(opener: Opener) -> Iterator[SessionPool]:
    with SessionPool(opener) as pool:
        yield pool


def pts(frame: Frame) -> int:
    return frame.pts


def job(frame: Frame, number: int = 0, convert: Callable[[Frame], Any] = pts, on_device: bool = False) -> FrameJob[Any]:
    return FrameJob(replace(frame, pts=number), on_device, convert)


def wider(frame: Frame, width: int) -> Frame:
    return replace(frame, format=replace(frame.format, width=width))


def test_frames_of_one_format_pass_through_one_session_in_order(
    pool: SessionPool, opener: Opener, frame: Frame
) -> None:
    futures = [pool.submit(job(frame, number)) for number in range(50)]
    assert [future.result() for future in futures] == [*range(50)]
    assert len(opener.sessions) == 1


def test_more_frames_than_slots_may_be_submitted_before_a_result_is_read(pool: SessionPool, frame: Frame) -> None:
    futures = [pool.submit(job(frame, number)) for number in range(20)]
    assert futures[-1].result(DEADLINE) == 19


def test_sessions_of_the_last_two_formats_remain_open(pool: SessionPool, opener: Opener, frame: Frame) -> None:
    assert KEPT_SESSIONS == 2
    for width in (10, 20, 10, 30, 10, 20):
        pool.submit(job(wider(frame, width))).result()
    assert [session.format.width for session in opener.sessions] == [10, 20, 30, 20]
    assert [session.closed for session in opener.sessions] == [False, True, True, False]


def test_frames_that_stay_on_the_gpu_have_a_session_of_their_own(
    pool: SessionPool, opener: Opener, frame: Frame
) -> None:
    pool.submit(job(frame)).result()
    pool.submit(job(frame, on_device=True)).result()
    assert [session.on_device for session in opener.sessions] == [False, True]


def test_a_session_that_does_not_fit_beside_the_other_takes_its_place(
    pool: SessionPool, opener: Opener, frame: Frame
) -> None:
    opener.most = 1
    for width in (10, 20):
        pool.submit(job(wider(frame, width))).result()
    assert [session.closed for session in opener.sessions] == [True, False]
    opener.most = 0
    with pytest.raises(OutOfMemory, match="full, says this test"):
        pool.submit(job(wider(frame, 30)))


def test_a_failed_collect_is_raised_for_its_frame_and_the_next_frame_has_a_new_session(
    pool: SessionPool, opener: Opener, frame: Frame
) -> None:
    pool.submit(job(frame)).result()
    opener.sessions[0].collect_error = BackendError("broken, says this test")
    failed = pool.submit(job(frame))
    with pytest.raises(BackendError, match="broken, says this test"):
        failed.result()
    assert pool.submit(job(frame, 7)).result() == 7
    assert [session.closed for session in opener.sessions] == [True, False]


def test_a_submit_that_waits_for_a_slot_raises_the_failure_that_keeps_it_taken(
    pool: SessionPool, opener: Opener, frame: Frame
) -> None:
    pool.submit(job(frame)).result()
    session = opener.sessions[0]
    converting, go_on = threading.Event(), threading.Event()

    def convert(upscaled: Frame) -> bool:
        converting.set()
        return go_on.wait(DEADLINE)

    held = pool.submit(job(frame, convert=convert))
    assert converting.wait(DEADLINE)
    session.collect_error = BackendError("broken, says this test")
    pool.submit(job(frame))  # takes the last slot
    raised: list[BaseException] = []

    def submit() -> None:
        try:
            pool.submit(job(frame))  # waits for a slot, and gets the one that `held` releases
            pool.submit(job(frame))  # waits, until the first frame that fails ends the session
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=submit, name="uprez-test", daemon=True)
    thread.start()
    until(lambda: not len(session.free))
    go_on.set()
    joined(thread)
    assert held.result()
    assert [str(error) for error in raised] == ["broken, says this test"]
    assert isinstance(raised[0].__cause__, Aborted)


def test_a_failed_conversion_is_raised_and_its_slot_becomes_free(
    pool: SessionPool, opener: Opener, frame: Frame
) -> None:
    def fail(upscaled: Frame) -> None:
        raise MemoryError("full, says this test")

    futures = [pool.submit(job(frame, convert=fail)) for _ in range(5)]
    for future in futures:
        with pytest.raises(MemoryError, match="full, says this test"):
            future.result()
    assert pool.submit(job(frame, 7)).result() == 7
    assert len(opener.sessions) == 1


@pytest.mark.parametrize(
    ("error", "sessions"), [(MismatchError("other planes"), 1), (BackendError("broken"), 2), (KeyboardInterrupt(), 2)]
)
def test_a_frame_that_is_not_accepted_is_released_once(
    pool: SessionPool, opener: Opener, frame: Frame, error: BaseException, sessions: int
) -> None:
    pool.submit(job(frame)).result()
    opener.sessions[0].submit_error = error
    released: list[int] = []
    with pytest.raises(type(error)):
        pool.submit(job(replace(frame, release=lambda: released.append(1))))
    assert released == [1]
    opener.sessions[0].submit_error = None
    assert pool.submit(job(frame, 7)).result() == 7
    assert len(opener.sessions) == sessions


@pytest.mark.parametrize("keeps", [False, True])
def test_a_frame_is_released_once_by_its_session_in_submit_or_in_collect(
    pool: SessionPool, opener: Opener, frame: Frame, keeps: bool
) -> None:
    pool.submit(job(frame)).result()
    opener.sessions[0].keeps = keeps
    released: list[int] = []
    for number in range(5):
        pool.submit(job(replace(frame, release=partial(released.append, number)))).result()
    assert released == [*range(5)]


def test_a_frame_that_its_session_released_before_it_failed_is_not_released_again(
    pool: SessionPool, opener: Opener, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(accepted: Frame) -> None:
        accepted.release()
        raise BackendError("broken, says this test")

    pool.submit(job(frame)).result()
    monkeypatch.setattr(opener.sessions[0], "submit", fail)
    released: list[int] = []
    with pytest.raises(BackendError, match="broken, says this test"):
        pool.submit(job(replace(frame, release=lambda: released.append(1))))
    assert released == [1]


def test_close_finishes_frames_in_flight_and_may_be_called_again(opener: Opener, frame: Frame) -> None:
    pool = SessionPool(opener)
    futures = [pool.submit(job(wider(frame, 10 + number % 2), number)) for number in range(6)]
    pool.close()
    pool.close()
    assert [future.result(0) for future in futures] == [*range(6)]
    assert all(session.closed for session in opener.sessions)
    released: list[int] = []
    with pytest.raises(UprezError, match="the Upscaler is closed: use it within its `with` statement"):
        pool.submit(job(replace(frame, release=lambda: released.append(1))))
    assert released == [1]


def test_frames_of_four_threads_get_their_own_results(pool: SessionPool, opener: Opener, frame: Frame) -> None:
    results: dict[int, list[int]] = {}

    def work(first: int) -> None:
        own = wider(frame, 10 + first % 3)
        results[first] = [pool.submit(job(own, number)).result(DEADLINE) for number in range(first, first + 30)]

    all_at_once([partial(work, 100 * number) for number in range(4)])
    assert results == {first: [*range(first, first + 30)] for first in (0, 100, 200, 300)}
    assert sum(not session.closed for session in opener.sessions) == 2

"""Sessions for frames of changing formats, and the one thread that collects what they upscale.

    any thread ──▶ submit (one at a time) ──▶ session ──▶ collector thread: collect, convert, release ──▶ Future

The collector converts every upscaled frame and releases it at once, so a slot never waits for the consumer: a result
that is never read occupies no slot, and frames of several callers may be in flight at the same time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pipeline.errors import MismatchError, OutOfMemory, UprezError
from pipeline.flow.blocking import Aborted
from pipeline.flow.closing import Closing
from pipeline.frame import Frame, FrameFormat
from pipeline.superres.session import Session

KEPT_SESSIONS = 2  # each may own an engine and its memory

Result = TypeVar("Result")
SessionKey = tuple[FrameFormat, bool]  # format of the frames; whether they stay on the GPU


@dataclass(frozen=True)
class FrameJob(Generic[Result]):
    """A frame to upscale.

    Attributes:
        frame: The frame. It is released when its samples were read, or if it can't be upscaled.
        on_device: The upscaled frame stays in GPU memory.
        convert: Makes the result from the upscaled frame, which is then released. Called in the collector's thread.
    """

    frame: Frame
    on_device: bool
    convert: Callable[[Frame], Result]


class _ReleaseOnce:
    """The release of a frame that a session has perhaps released before it failed. For any thread."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._release: Callable[[], None] | None = release

    def __call__(self) -> None:
        with self._lock:
            release, self._release = self._release, None
        if release:
            release()


@dataclass
class _Pooled:
    """An open session.

    Attributes:
        session: The session.
        failure: The error because of which it can't be used any more.
    """

    session: Session[Any]
    failure: BaseException | None = None


class SessionPool(Closing):
    """Opens a session for each format of frame, and keeps the KEPT_SESSIONS that were used last. For any thread."""

    def __init__(self, open_session: Callable[[FrameFormat, bool], Session[Any]]) -> None:
        """Start without a session.

        Args:
            open_session: Opens a session for frames of a format, which stay on the GPU or not.
        """
        self._open_session = open_session
        self._lock = threading.Lock()
        self._sessions: OrderedDict[SessionKey, _Pooled] = OrderedDict()
        self._collector = ThreadPoolExecutor(1, "uprez-collector")
        self._closed = False

    def submit(self, job: FrameJob[Result]) -> Future[Result]:
        """Start the work on a frame; waits while all slots of its session are in use.

        Raises:
            MismatchError: The frame's planes do not have the shape or type of its format.
            BackendError, ModelError: The session can't be opened, or failed.
            UprezError: The pool is closed.
        """
        release = _ReleaseOnce(job.frame.release)
        frame = replace(job.frame, release=release)
        with ExitStack() as failed, self._lock:
            failed.callback(release)
            self.check_open()
            key = (frame.format, job.on_device)
            pooled = self._pooled(key)
            try:
                ticket = pooled.session.submit(frame)
            except MismatchError:
                raise
            except BaseException as error:
                del self._sessions[key]
                self._retire(pooled)
                if isinstance(error, Aborted) and pooled.failure:
                    raise pooled.failure from error
                raise
            failed.pop_all()  # the session releases it: at once, or in `collect` if it is in GPU memory
            return self._collector.submit(_collect, pooled, ticket, job.convert)

    def check_open(self) -> None:
        """Raise UprezError after `close`."""
        if self._closed:
            raise UprezError("the Upscaler is closed: use it within its `with` statement, or create another one")

    def close(self) -> None:
        """Finish the frames in flight and close all sessions. May be called again."""
        with self._lock, ExitStack() as stack:
            self._closed = True
            stack.callback(self._collector.shutdown)
            while self._sessions:
                stack.callback(self._retire, self._sessions.popitem()[1])

    def _pooled(self, key: SessionKey) -> _Pooled:
        """The session for a format, which is opened if there is none."""
        pooled = self._sessions.get(key)
        if pooled and pooled.failure:
            self._retire(self._sessions.pop(key))
            pooled = None
        if pooled is None:
            while len(self._sessions) >= KEPT_SESSIONS:
                self._retire_oldest()
            pooled = self._sessions[key] = _Pooled(self._opened(key))
        self._sessions.move_to_end(key)
        return pooled

    def _opened(self, key: SessionKey) -> Session[Any]:
        """A new session; without the others if it does not fit beside them."""
        try:
            return self._open_session(*key)
        except OutOfMemory:
            if not self._sessions:
                raise
        while self._sessions:
            self._retire_oldest()
        return self._open_session(*key)

    def _retire_oldest(self) -> None:
        self._retire(self._sessions.popitem(last=False)[1])

    def _retire(self, pooled: _Pooled) -> None:
        """Close a session after its frames in flight were collected."""
        self._collector.submit(pooled.session.close).result()


def _collect(pooled: _Pooled, ticket: Any, convert: Callable[[Frame], Result]) -> Result:
    try:
        frame = pooled.session.collect(ticket)
    except BaseException as error:
        pooled.failure = pooled.failure or error
        pooled.session.abort()  # wakes the thread that waits for the slot, which will not become free
        raise
    try:
        return convert(frame)
    finally:
        frame.release()

"""A live source that reconnects.

    [child process: demuxer] ─serialized packets─▶ [reader thread] ─▶ PacketBuffer ─▶ the thread that iterates

The child may block in FFmpeg for ever, so no thread waits for it: the reader thread always takes what the child sends,
the thread that iterates waits with a deadline, and a child that is stuck is killed. A child that works is used again
for the next connection.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.flow.blocking import Aborted
from pipeline.flow.closing import Closing
from pipeline.live.input.open_options import source_request
from pipeline.live.input.packet_buffer import VIDEO, PacketBuffer, SourceEvent
from pipeline.live.input.reconnect import ReconnectPolicy
from pipeline.live.process.child import Child, ProcessEnded
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket, SourceRequest
from pipeline.live.stats import Status

_CHILD = "pipeline.live.input.demuxer_process"
_PASSWORD_CHECK_SECONDS = 0.5  # between two checks whether a refused password has been changed


@dataclass(frozen=True)
class SourceState:
    """The status of a source at a moment.

    Attributes:
        status: "connecting" until there is a packet of video; after the end the last one, or "failed".
        reason: Why it is not live.
        since: When it began or ceased to be live, in seconds of time.monotonic.
    """

    status: Status = "connecting"
    reason: str = ""
    since: float = field(default_factory=time.monotonic)


@dataclass
class CaptureFigures:
    """The figures of a source. Other threads may read them while the source runs.

    Attributes:
        state: Its status. It is replaced as one, so that status and reason always belong together.
        connects: The number of connections that delivered video.
        faults: What ended connections and attempts, by kind.
        skipped: Dropped packets of video, by reason.
    """

    state: SourceState = field(default_factory=SourceState)
    connects: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def status(self) -> Status:
        """The status of the source."""
        return self.state.status

    @property
    def reason(self) -> str:
        """Why it is not live."""
        return self.state.reason

    def update(self, status: Status, reason: str = "") -> None:
        """Set the status and its reason."""
        is_same = status == self.status or {status, self.status} <= {"connecting", "waiting"}
        self.state = SourceState(status, reason, self.state.since if is_same else time.monotonic())


class Capture(Closing):
    """Iterates over ConnectionOpened, its SerializedPackets, ConnectionLost, ConnectionOpened and so on, without end.

    One thread iterates, once; any thread may `end` it. The first stream of a connection is the video. An attempt that
    fails yields nothing, but is counted in `figures`. The constructor raises SettingsError for what no attempt could
    open; iterating raises InputError for a source that is given up.
    """

    def __init__(self, settings: StreamSettings) -> None:
        source_request(settings)
        self._settings = settings
        self._policy = ReconnectPolicy(settings)
        self._ended = threading.Event()
        self._closing = threading.Lock()
        self._check_host = False
        self._reader: _Reader | None = None
        self._is_confirmed = False  # the current connection delivers frames
        self._renew_reason = ""  # why the current connection is to be replaced
        self.figures = CaptureFigures()

    def __iter__(self) -> Generator[SourceEvent, None, None]:
        try:
            while not self._ended.is_set():
                yield from self._attempt()
        except Exception as error:
            self.figures.update("failed", str(error))
            raise
        finally:
            self.close()

    def end(self) -> None:
        """Yield nothing more; the iteration ends within a moment."""
        self._ended.set()
        if reader := self._reader:
            reader.buffer.abort()

    def confirm(self) -> None:
        """Note that the current connection delivers frames, so the next failure is a first one.

        Called by the thread that iterates.
        """
        if not self._is_confirmed:
            self._is_confirmed = True
            self._policy.succeeded()

    def renew(self, reason: str) -> None:
        """Connect again, as the current connection delivers nothing useful. Called by the thread that iterates."""
        self._renew_reason = reason

    def close(self) -> None:
        """End the iteration and release all resources."""
        self.end()
        with self._closing:
            reader, self._reader = self._reader, None
        if reader:
            reader.close()

    def _attempt(self) -> Iterator[SourceEvent]:
        """One attempt to open the source, all events of the connection, and the wait after it."""
        self.figures.update("connecting", self.figures.reason)
        try:
            request = source_request(self._settings)
        except SettingsError as error:  # such as a file with a password that is missing now
            lost, address = ConnectionLost("broken", str(error)), ""
        else:
            address = request.address
            try:
                lost = yield from self._connection(request)
            except Aborted:
                return
        self.figures.update("waiting", lost.reason)
        self.figures.faults[lost.fault] += 1  # after the reason, which others read when this has changed
        self._wait(self._policy.wait(lost, address), lost)

    def _connection(self, request: SourceRequest) -> Generator[SourceEvent, None, ConnectionLost]:
        """The events of one connection; returns how it ended. Raises Aborted after `end`."""
        try:
            reader = self._ready_reader()
        except ProcessEnded as ended:
            return ConnectionLost("broken", str(ended))
        reader.open(replace(request, check_host=self._check_host))
        opened, self._is_confirmed, self._renew_reason = False, False, ""
        deadline = time.monotonic() + request.opening
        while True:
            try:
                event = reader.buffer.get(deadline - time.monotonic())
            except TimeoutError:
                if opened and reader.buffer.last_video + request.silence > deadline:  # video came, but was dropped
                    deadline = reader.buffer.last_video + request.silence
                    continue
                self._discard_reader()
                event = _timeout(request, opened)
            if isinstance(event, ConnectionLost):
                if opened:
                    yield event
                # A host that is off answers no connect, and FFmpeg's next one would last until long after it is on.
                self._check_host = not opened and event.fault in ("silent", "unreachable")
                return event
            if isinstance(event, ConnectionOpened):
                opened = True
                deadline = time.monotonic() + request.silence
            elif event.stream == VIDEO:
                deadline = reader.buffer.last_video + request.silence
                self._set_live()
            yield event
            if self._renew_reason:
                self._discard_reader()
                yield (lost := ConnectionLost("broken", self._renew_reason))
                return lost

    def _set_live(self) -> None:
        if self.figures.status != "live":
            self.figures.update("live")
            self.figures.connects += 1

    def _wait(self, seconds: float, lost: ConnectionLost) -> None:
        """Wait before the next attempt, but not longer than until a refused password has been changed."""
        until = time.monotonic() + seconds
        refused = self._address() if lost.fault == "wrong password" else None
        while (left := until - time.monotonic()) > 0 and not self._ended.wait(min(left, _PASSWORD_CHECK_SECONDS)):
            if refused is not None and self._address() != refused:
                return

    def _address(self) -> str | None:
        try:
            return self._settings.source.reveal()
        except SettingsError:
            return None

    def _ready_reader(self) -> _Reader:
        """The reader, or a new one if its child has ended. Raises Aborted after `end`."""
        if self._reader and not self._reader.alive:
            self._discard_reader()
        with self._closing:
            reader = self._reader = self._reader or _Reader(self.figures.skipped)
        if self._ended.is_set():  # checked after the reader is stored, where `end` can see it
            raise Aborted
        return reader

    def _discard_reader(self) -> None:
        """Kill the child and end its thread."""
        with self._closing:
            reader, self._reader = self._reader, None
        if reader:
            reader.kill()


def _timeout(request: SourceRequest, opened: bool) -> ConnectionLost:
    missing, seconds = ("video", request.silence) if opened else ("answer", request.opening)
    return ConnectionLost("silent", f"no {missing} for {seconds:g} s")


class _Reader(Closing):
    """A child that reads a source, and the thread that moves what it sends into `buffer`.

    Raises ProcessEnded if the system can't start another process or thread.
    """

    def __init__(self, skipped: Counter[str]) -> None:
        self.buffer = PacketBuffer(skipped)
        self.alive = True
        self._is_open = False
        self._child = Child(_CHILD)
        self._thread = threading.Thread(target=self._receive, name="uprez-read", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._child.close()
            raise ProcessEnded(f"can't receive from a process: {error}") from error

    def open(self, request: SourceRequest) -> None:
        with suppress(ProcessEnded):  # the thread notices too, and puts ConnectionLost into the buffer
            self._child.send(request)

    def close(self) -> None:
        """End the child; if it is connected, it has a moment to close the connection to its server."""
        self.buffer.abort()
        if not self._is_open:
            self._child.kill()
        self._child.close()
        self._thread.join()

    def kill(self) -> None:
        self._child.kill()
        self.close()

    def _receive(self) -> None:
        try:
            while True:
                event = self._child.receive()
                if not isinstance(event, ConnectionOpened | SerializedPacket | ConnectionLost):
                    raise ProcessEnded("the process that reads the source sent something else than packets")
                if not isinstance(event, SerializedPacket):
                    self._is_open = isinstance(event, ConnectionOpened)
                self.buffer.put(event)
        except ProcessEnded as ended:
            self.alive = False
            self.buffer.put(ConnectionLost("broken", str(ended) or "the process that reads the source has ended"))

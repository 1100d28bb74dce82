"""A live source that comes back.

    [child process: demuxing] ─pickled─▶ [reader thread] ─▶ Buffer ─▶ whoever iterates

The child may block in FFmpeg for ever, so it is never waited for: the reader always takes what the child gives, the one
who iterates waits with a deadline, and a child that is stuck is killed. One that works is asked again after each loss.
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
from pipeline.live.input.open_options import source_of
from pipeline.live.input.packet_buffer import VIDEO, Buffer, Event
from pipeline.live.input.reconnect import Retries
from pipeline.live.process.child import Child, Gone
from pipeline.live.process.messages import Lost, Opened, OpenSource, SerializedPacket
from pipeline.live.stats import Status

_CHILD = "pipeline.live.input.demuxer_process"
_LOOK_SECONDS = 0.5  # at a password that was refused: it may be another now


@dataclass
class CaptureFigures:
    """status: "connecting" until there is a packet of video. reason: why it isn't live. since: when it
    began to be live, or not to be, in seconds of time.monotonic.

    connects: how often there came video. faults: what ended connections and attempts, by kind. skipped: packets of
    video left out, by reason.
    """

    status: Status = "connecting"
    reason: str = ""
    since: float = field(default_factory=time.monotonic)
    connects: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def tell(self, status: Status, reason: str = "") -> None:
        """What it is from now on."""
        if status != self.status and not {status, self.status} <= {"connecting", "waiting"}:
            self.since = time.monotonic()
        self.status, self.reason = status, reason


class Capture(Closing):
    """Iterating gives Opened, its SerializedPackets, Lost, Opened and so on for ever: one thread, once. Any may `end`
    it.

    The first stream of an Opened is the video. A try that fails gives nothing, but shows in `figures`. Raises
    SettingsError at once for what no try could open; iterating raises InputError for what is refused for good.
    """

    def __init__(self, settings: StreamSettings) -> None:
        source_of(settings)
        self._settings = settings
        self._retries = Retries(settings)
        self._ended = threading.Event()
        self._closing = threading.Lock()
        self._knocks = False
        self._reader: _Reader | None = None
        self._confirmed = False  # whether the present connection is
        self._useless = ""  # why the present connection is
        self.figures = CaptureFigures()

    def __iter__(self) -> Iterator[Event]:
        try:
            while not self._ended.is_set():
                yield from self._tried()
            self.figures.tell("ended")
        except BaseException as error:
            self.figures.tell("ended" if isinstance(error, GeneratorExit) else "failed", str(error))
            raise
        finally:
            self.close()

    def end(self) -> None:
        """Give nothing more; the iteration ends within a moment."""
        self._ended.set()
        if reader := self._reader:
            reader.buffer.abort()

    def confirm(self) -> None:
        """The present connection brings what is wanted, so the next failure is a first one. Called as `renew`."""
        if not self._confirmed:
            self._confirmed = True
            self._retries.succeeded()

    def renew(self, reason: str) -> None:
        """Connect again, as the present connection brings nothing of use. Called by the thread that iterates."""
        self._useless = reason

    def close(self) -> None:
        """End, and leave nothing behind."""
        self.end()
        with self._closing:
            reader, self._reader = self._reader, None
        if reader:
            reader.close()

    def _tried(self) -> Iterator[Event]:
        """One try to open it, with all that came of it, and the wait after it."""
        self.figures.tell("connecting", self.figures.reason)
        try:
            wanted = source_of(self._settings)
        except SettingsError as error:  # a file with a password that isn't there now
            lost, address = Lost("broken", str(error)), ""
        else:
            address = wanted.address
            try:
                lost = yield from self._connection(wanted)
            except Aborted:
                return
        self.figures.faults[lost.fault] += 1
        self.figures.tell("waiting", lost.reason)
        self._wait(self._retries.wait(lost, address), lost)

    def _connection(self, wanted: OpenSource) -> Generator[Event, None, Lost]:
        """What comes of opening `wanted`; returns what it ended with. Raises Aborted after `end`."""
        try:
            reader = self._ready()
        except Gone as gone:
            return Lost("broken", str(gone))
        reader.open(replace(wanted, knocks=self._knocks))
        opened, self._confirmed, self._useless = False, False, ""
        limit = time.monotonic() + wanted.opening
        while True:
            try:
                event = reader.buffer.get(limit - time.monotonic())
            except TimeoutError:
                if opened and reader.buffer.seen + wanted.silence > limit:  # it came, and was left out
                    limit = reader.buffer.seen + wanted.silence
                    continue
                self._discard()
                seconds = wanted.silence if opened else wanted.opening
                event = Lost("silent", f"no {'picture' if opened else 'answer'} for {seconds:g} s")
            if isinstance(event, Lost):
                if opened:
                    yield event
                # A host that is off answers no call, and FFmpeg's next would last until long after it is back.
                self._knocks = not opened and event.fault in ("silent", "unreachable")
                return event
            if isinstance(event, Opened):
                opened = True
                limit = time.monotonic() + wanted.silence
            elif event.stream == VIDEO:
                limit = reader.buffer.seen + wanted.silence
                self._succeed()
            yield event
            if self._useless:
                self._discard()
                yield (lost := Lost("broken", self._useless))
                return lost

    def _succeed(self) -> None:
        if self.figures.status != "live":
            self.figures.connects += 1
            self.figures.tell("live")

    def _wait(self, seconds: float, lost: Lost) -> None:
        """Before the next try; not longer than until a password that was refused is another."""
        until = time.monotonic() + seconds
        refused = self._address() if lost.fault == "wrong password" else None
        while (left := until - time.monotonic()) > 0 and not self._ended.wait(min(left, _LOOK_SECONDS)):
            if refused is not None and self._address() != refused:
                return

    def _address(self) -> str | None:
        try:
            return self._settings.source.reveal()
        except SettingsError:
            return None

    def _ready(self) -> _Reader:
        """The reader, or another where it is gone. Raises Aborted after `end`."""
        if self._reader and not self._reader.alive:
            self._discard()
        with self._closing:
            reader = self._reader = self._reader or _Reader(self.figures.skipped)
        if self._ended.is_set():  # after the reader is there for `end` to see
            raise Aborted
        return reader

    def _discard(self) -> None:
        """Kill the child, and what belongs to it."""
        with self._closing:
            reader, self._reader = self._reader, None
        if reader:
            reader.kill()


class _Reader(Closing):
    """A child that reads, and the thread that empties its pipe into `buffer`."""

    def __init__(self, skipped: Counter[str]) -> None:
        self.buffer = Buffer(skipped)
        self.alive = True
        self._is_open = False
        self._child = Child(_CHILD)
        self._thread = threading.Thread(target=self._take_in, name="uprez-read", daemon=True)
        self._thread.start()

    def open(self, wanted: OpenSource) -> None:
        with suppress(Gone):  # the thread has noticed, too, and says so
            self._child.send(wanted)

    def close(self) -> None:
        """The child has a moment to say goodbye to its server, if it has met one."""
        self.buffer.abort()
        if not self._is_open:
            self._child.kill()
        self._child.close()
        self._thread.join()

    def kill(self) -> None:
        self._child.kill()
        self.close()

    def _take_in(self) -> None:
        try:
            while True:
                event = self._child.receive()
                assert isinstance(event, (Opened, SerializedPacket, Lost))
                if not isinstance(event, SerializedPacket):
                    self._is_open = isinstance(event, Opened)
                self.buffer.put(event)
        except Gone as gone:
            self.alive = False
            self.buffer.put(Lost("broken", str(gone) or "the process that reads it ended by itself"))

"""One output of a live stream, which is written as well as it takes it, and holds nobody up.

    offer ──▶ GopQueue ──▶ [uprez-output] ──▶ Link ══▶ child process: muxing
              drops GOPs    tries again        │
                            for ever           ◀── [uprez-output-ear]: what the child says

- `offer` and `begin` only put into the queue. Who waits is the thread `uprez-output`; FFmpeg waits in the child.
- When the child tells of a loss, or is killed as it takes nothing, what waits is dropped and counted. The thread tries
  again, at first often, and the output goes on from a key frame, on the same clock.
- `begin` ends what is open properly; so does `close`, as far as its patience goes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.flow.backoff import Backoff
from pipeline.flow.blocking import Closed
from pipeline.flow.closing import Closing
from pipeline.live.output.destination import Outlet
from pipeline.live.output.gop_queue import Begin, GopQueue
from pipeline.live.output.muxer_client import Down, Link
from pipeline.live.process.child import Gone
from pipeline.live.process.messages import SerializedPacket, Streams
from pipeline.live.stats import OutputFigures, Status

log = logging.getLogger(__name__)

_WAITING_SECONDS = 4.0  # of stream, and
_WAITING_BYTES = 64 << 20  # whichever comes first
_STUCK_SECONDS = 10.0
_LOOK_SECONDS = 1.0  # between two looks at a child that has nothing to do


class Output(Closing):
    """Writes one stream to `outlet`. demand_key: asks the encoder for a key frame; called from a thread of this.

    stuck: seconds without progress after which a connection is given up.
    """

    def __init__(
        self, outlet: Outlet, settings: StreamSettings, demand_key: Callable[[], None], stuck: float = _STUCK_SECONDS
    ) -> None:
        self._outlet, self._demand_key, self._stuck = outlet, demand_key, stuck
        self._backoff = Backoff(settings.poll, settings.poll_for, settings.longest_wait)
        self._longest_wait = settings.longest_wait
        self._queue = GopQueue(_WAITING_SECONDS, _WAITING_BYTES)
        self._link: Link | None = None
        self._status: Status = "connecting"
        self._reason = ""
        self._packets = self._bytes = self._connects = 0
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._work, name="uprez-output", daemon=True)
        self._thread.start()

    def begin(self, streams: Streams) -> None:
        """What is offered from now on belongs to `streams`. May be called again: the output then begins anew."""
        self._queue.begin(streams)

    def offer(self, parcel: SerializedPacket) -> None:
        """Have `parcel` written, or dropped if the output can't keep up. Never waits; any thread."""
        self._queue.put(parcel)
        if link := self._link:
            link.mind()

    def close(self, patience: float = 1.0) -> None:
        """Write what waits and end the output properly, all within `patience` seconds; then leave nothing of it."""
        self._deadline = time.monotonic() + patience
        self._queue.close()
        self._thread.join(patience)
        while self._thread.is_alive():
            if link := self._link:
                link.kill()
            self._thread.join(_LOOK_SECONDS / 10)
        self._status = "ended"

    def figures(self) -> OutputFigures:
        return OutputFigures(
            name=str(self._outlet.address),
            kind=self._outlet.kind,
            status=self._status,
            reason=self._reason,
            packets=self._packets,
            bytes=self._bytes,
            dropped=dict(self._queue.dropped),
            connects=self._connects,
            lag=self._queue.seconds,
        )

    def _work(self) -> None:
        """The thread that writes."""
        try:
            begin = None
            while begin is None:
                begin = self._look()
            while True:
                begin = self._serve(begin)
        except Closed:
            pass
        except Exception as error:  # nobody waits for this thread
            log.error("%s: a bug, please report it", self._outlet.address, exc_info=error)
            self._status, self._reason = "failed", f"{type(error).__name__}, a bug, please report it"
        finally:
            self._hang_up(max(0.0, (self._deadline or 0.0) - time.monotonic()))

    def _serve(self, begin: Begin) -> Begin:
        """Write what belongs to `begin`, over as many connections as that takes. The next Begin; raises Closed."""
        while True:
            try:
                self._connect(begin.streams)
                return self._write()
            except (Down, SettingsError) as error:
                self._status, self._reason = "waiting", str(error)
                self._queue.leave()
                begin = self._wait() or begin

    def _connect(self, streams: Streams) -> None:
        self._status = "connecting"
        opening = self._outlet.opening(streams)
        if self._link is None or not self._link.alive:
            self._hang_up()
            self._link = None
            try:
                self._link = Link(self._count, self._queue.wake, self._stuck)
            except Gone as gone:
                raise Down(str(gone)) from gone
        notes = self._link.open(opening)
        self._connects += 1
        self._status, self._reason = "live", "; ".join(notes)
        if self._queue.come():
            self._demand_key()

    def _write(self) -> Begin:
        """Write until there is a Begin; raises Down and Closed."""
        assert self._link is not None
        while True:
            item = self._queue.take(_LOOK_SECONDS)
            if isinstance(item, Begin):
                return item
            if item is not None:
                self._link.write(item)
            self._link.mind()
            self._link.check()

    def _wait(self) -> Begin | None:
        """Let some time pass before the next try. The newest Begin meanwhile; raises Closed."""
        begin, seconds = None, self._backoff.wait()
        if self._link and self._link.refused:  # a password: who asks on and on is locked out
            seconds = self._longest_wait
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            begin = self._look(rest) or begin
        return begin

    def _look(self, seconds: float = _LOOK_SECONDS) -> Begin | None:
        """A Begin, if one comes; there is nothing else in the queue of an output that isn't open. Raises Closed."""
        item = self._queue.take(seconds)
        return item if isinstance(item, Begin) else None

    def _hang_up(self, patience: float = 0.0) -> None:
        if self._link:
            self._link.close(patience)

    def _count(self, parcel: SerializedPacket, reason: str) -> None:
        if reason:
            self._queue.drop(parcel, reason)
        else:
            self._backoff.reset()
            self._packets += 1
            self._bytes += len(parcel.data)

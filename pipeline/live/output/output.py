"""One output of a live stream. It is written as fast as it accepts data, and never holds up the stream.

    offer ──▶ GopQueue ──▶ [uprez-output] ──▶ MuxerClient ══▶ child process: muxer
              drops GOPs    reconnects             │
                            without end            ◀── [uprez-output-receive]: the child's messages

- `offer` and `start` only put into the queue. Waiting is left to the thread `uprez-output`; FFmpeg waits in the child.
- When the child reports a loss, or is killed because it is stuck, what waits is dropped and counted. The thread
  reconnects, at first often, and the output continues from a key frame, on the same clock.
- `start` finishes the open output properly; so does `close`, within its patience.
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
from pipeline.live.output.destination import OutputTarget
from pipeline.live.output.gop_queue import GopQueue, StreamStart
from pipeline.live.output.muxer_client import MuxerClient, OutputUnavailable
from pipeline.live.process.child import ProcessEnded
from pipeline.live.process.messages import SerializedPacket, StreamHeader
from pipeline.live.stats import OutputFigures, Status

log = logging.getLogger(__name__)

_QUEUE_SECONDS = 4.0  # of video that may wait
_QUEUE_BYTES = 64 << 20  # that may wait
_STUCK_SECONDS = 10.0
_CHECK_SECONDS = 1.0  # between two checks of an idle child
_KILL_SECONDS = 0.1  # between two attempts to end the thread


class Output(Closing):
    """Writes one stream to `target`.

    Args:
        target: The output.
        settings: The settings of the stream.
        demand_key: Requests a key frame from the encoder; called from a thread of this object.
        stuck: Seconds without progress after which a connection is given up.
    """

    def __init__(
        self,
        target: OutputTarget,
        settings: StreamSettings,
        demand_key: Callable[[], None],
        stuck: float = _STUCK_SECONDS,
    ) -> None:
        self._target, self._demand_key, self._stuck = target, demand_key, stuck
        self._backoff = Backoff(settings.poll, settings.poll_for, settings.longest_wait)
        self._longest_wait = settings.longest_wait
        self._queue = GopQueue(_QUEUE_SECONDS, _QUEUE_BYTES)
        self._client: MuxerClient | None = None
        self._state: tuple[Status, str] = "connecting", ""  # with the reason: other threads read both at once
        self._packets = self._bytes = self._connects = 0
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._work, name="uprez-output", daemon=True)
        self._thread.start()

    def start(self, streams: StreamHeader) -> None:
        """Announce that the packets offered from now on belong to `streams`. May be called again."""
        self._queue.start(streams)

    def offer(self, packet: SerializedPacket) -> None:
        """Write `packet`, or drop it if the output can't keep up. Never waits; any thread may call it."""
        self._queue.put(packet)
        if client := self._client:
            client.kill_if_stuck()

    def close(self, patience: float = 1.0) -> None:
        """Write what waits and finish the output properly, within `patience` seconds; release all resources."""
        self._deadline = time.monotonic() + patience
        self._queue.close()
        self._thread.join(patience)
        while self._thread.is_alive():
            if client := self._client:
                client.kill()
            self._thread.join(_KILL_SECONDS)
        status, reason = self._state
        if status != "failed":
            self._state = "ended", reason

    def figures(self) -> OutputFigures:
        """The current figures."""
        status, reason = self._state
        return OutputFigures(
            name=str(self._target.address),
            kind=self._target.kind,
            status=status,
            reason=reason,
            packets=self._packets,
            bytes=self._bytes,
            dropped=dict(self._queue.dropped),
            connects=self._connects,
            lag=self._queue.seconds,
        )

    def _work(self) -> None:
        """The thread that writes."""
        try:
            start = None
            while start is None:
                start = self._next_start()
            while True:
                start = self._serve(start)
        except Closed:
            pass
        except Exception as error:  # no other thread waits for this one
            log.error("%s: a bug, please report it", self._target.address, exc_info=error)
            self._queue.disconnect()
            self._state = "failed", f"{type(error).__name__}, a bug, please report it"
        finally:
            self._close_client(max(0.0, (self._deadline or 0.0) - time.monotonic()))

    def _serve(self, start: StreamStart) -> StreamStart:
        """Write the packets of `start`, over several connections if needed. The next StreamStart; raises Closed."""
        while True:
            try:
                self._connect(start.streams)
                return self._write()
            except (OutputUnavailable, SettingsError) as error:
                self._queue.disconnect()
                self._state = "waiting", str(error)
                start = self._wait() or start

    def _connect(self, streams: StreamHeader) -> None:
        self._state = "connecting", self._state[1]
        request = self._target.request(streams)
        if self._client is None or not self._client.alive:
            self._close_client()
            self._client = None
            try:
                self._client = MuxerClient(self._count, self._queue.wake, self._stuck)
            except ProcessEnded as ended:
                raise OutputUnavailable(str(ended)) from ended
        notes = self._client.open(request)
        key_needed = self._queue.connect()
        self._connects += 1  # once packets are accepted, not before
        self._state = "live", "; ".join(notes)
        if key_needed:
            self._demand_key()

    def _write(self) -> StreamStart:
        """Write until the next StreamStart; raises OutputUnavailable and Closed."""
        assert self._client is not None
        while True:
            item = self._queue.take(_CHECK_SECONDS)
            if isinstance(item, StreamStart):
                return item
            if item is not None:
                self._client.write(item)
            self._client.kill_if_stuck()
            self._client.check()

    def _wait(self) -> StreamStart | None:
        """Wait before the next attempt. The newest StreamStart that came meanwhile; raises Closed."""
        start, seconds = None, self._backoff.wait()
        if self._client and self._client.password_refused:  # servers lock out clients that try too often
            seconds = self._longest_wait
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            start = self._next_start(left) or start
        return start

    def _next_start(self, seconds: float = _CHECK_SECONDS) -> StreamStart | None:
        """A StreamStart, if one comes in time; the queue of a closed output holds nothing else. Raises Closed."""
        item = self._queue.take(seconds)
        return item if isinstance(item, StreamStart) else None

    def _close_client(self, patience: float = 0.0) -> None:
        if self._client:
            self._client.close(patience)

    def _count(self, packet: SerializedPacket, reason: str) -> None:
        """Count a packet that was written, or dropped for `reason`."""
        if reason:
            self._queue.drop(packet, reason)
        else:
            self._backoff.reset()
            self._packets += 1
            self._bytes += len(packet.data)

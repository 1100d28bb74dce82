"""What was read from a live source and waits to be decoded."""

from __future__ import annotations

import time
from collections import Counter

from pipeline.flow.blocking import BlockingBuffer
from pipeline.live.process.messages import Lost, Opened, SerializedPacket

VIDEO = 0  # its index among the streams of a source

_MOST_SECONDS = 1.0  # that packets may wait
_MOST_PACKETS = 1000
_MOST_BYTES = 64 << 20
_LATE = "not decoded in time"

Event = Opened | SerializedPacket | Lost


class Buffer:
    """A queue whose giver never waits, so that nothing piles up in the system and at the server, where nobody sees it.

    Packets can't be left out one by one. When a key frame comes and others have waited for a second, all that waits is
    left out for it; when there is no room, all that waits is, and all that comes until a key frame. Video that is left
    out is counted in `skipped`. Two threads: one puts, one gets; any may close.

    seen: when the last packet of video came, in seconds of time.monotonic, whatever became of it; 0 before.
    """

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._buffer: BlockingBuffer[Event] = BlockingBuffer()
        self._bytes = 0
        self._broken = False  # whether what comes can't be decoded before a key frame
        self.seen = 0.0

    def put(self, event: Event) -> None:
        """Add `event`, at once, or leave it out."""
        with self._buffer.lock:
            if isinstance(event, SerializedPacket):
                if event.stream == VIDEO:
                    self.seen = time.monotonic()
                if not self._takes(event):
                    return
                self._bytes += len(event.data)
            else:
                self._broken = False
            self._buffer.append(event)

    def get(self, timeout: float) -> Event:
        """Wait for the oldest, and take it. Raises Aborted, and TimeoutError when none came for `timeout` seconds."""
        with self._buffer.lock:
            event = self._buffer.take(timeout)
            if isinstance(event, SerializedPacket):
                self._bytes -= len(event.data)
            return event

    def abort(self) -> None:
        """Raise Aborted in the thread that gets, and discard what is left."""
        self._buffer.abort()

    def _takes(self, parcel: SerializedPacket) -> bool:
        is_full = len(self._buffer.items) >= _MOST_PACKETS or self._bytes + len(parcel.data) > _MOST_BYTES
        if parcel.stream != VIDEO:
            return not is_full
        if parcel.is_keyframe:
            if is_full or self._waited(parcel.at) > _MOST_SECONDS:
                self._leave_out()
            self._broken = False
        elif is_full and not self._broken:
            self._leave_out()
            self._broken = True
        if self._broken:
            self._skipped[_LATE] += 1
        return not self._broken

    def _waited(self, now: float) -> float:
        """For how long the oldest packet has."""
        return next((now - event.at for event in self._buffer.items if isinstance(event, SerializedPacket)), 0.0)

    def _leave_out(self) -> None:
        """All packets; what tells of connections stays."""
        self._skipped[_LATE] += sum(
            isinstance(event, SerializedPacket) and event.stream == VIDEO for event in self._buffer.items
        )
        kept = [event for event in self._buffer.items if not isinstance(event, SerializedPacket)]
        self._buffer.items.clear()
        self._buffer.items.extend(kept)
        self._bytes = 0

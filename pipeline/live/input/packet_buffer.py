"""The packets of a live source that wait to be decoded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from pipeline.flow.blocking import BlockingBuffer
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket

VIDEO = 0  # index of the video among the streams of a source

_MAX_SECONDS = 1.0  # that packets may wait
_MAX_PACKETS = 1000
_MAX_BYTES = 64 << 20
_LATE = "not decoded in time"
_ABORTED = "connection given up"

SourceEvent = ConnectionOpened | SerializedPacket | ConnectionLost


class PacketBuffer:
    """A queue in which the writer never waits, so that packets do not pile up uncounted in the system or the server.

    Single packets can't be dropped, as others refer to them. When a key frame comes and packets have waited for more
    than a second, all waiting packets are dropped; when the buffer is full, all waiting packets are dropped, and all
    that come until a key frame. One thread puts, one gets, any may abort.

    Args:
        skipped: Counts dropped packets of video, by reason.

    Attributes:
        last_video: When the last packet of video came, in seconds of time.monotonic, even if it was dropped; 0 before.
    """

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._buffer: BlockingBuffer[SourceEvent] = BlockingBuffer()
        self._bytes = 0
        self._needs_key = False  # packets can't be decoded before the next key frame
        self.last_video = 0.0

    def put(self, event: SourceEvent) -> None:
        """Add or drop `event`, without waiting."""
        with self._buffer.lock:
            if self._buffer.aborted:
                self._count([event], _ABORTED)
                return
            if isinstance(event, SerializedPacket):
                if event.stream == VIDEO:
                    self.last_video = time.monotonic()
                if not self._accepts(event):
                    return
                self._bytes += len(event.data)
            else:
                self._needs_key = False
            self._buffer.append(event)

    def get(self, timeout: float) -> SourceEvent:
        """Wait for the oldest event and remove it. Raises Aborted, and TimeoutError after `timeout` seconds."""
        with self._buffer.lock:
            event = self._buffer.take(timeout)
            if isinstance(event, SerializedPacket):
                self._bytes -= len(event.data)
            return event

    def abort(self) -> None:
        """Raise Aborted in the thread that gets; discard and count what is left, and what comes from now on."""
        with self._buffer.lock:
            self._count(self._buffer.abort(), _ABORTED)

    def _accepts(self, packet: SerializedPacket) -> bool:
        is_full = len(self._buffer.items) >= _MAX_PACKETS or self._bytes + len(packet.data) > _MAX_BYTES
        if packet.stream != VIDEO:
            return not is_full
        if packet.is_keyframe:
            if is_full or self._waited(packet.at) > _MAX_SECONDS:
                self._drop_packets()
            self._needs_key = False
        elif is_full and not self._needs_key:
            self._drop_packets()
            self._needs_key = True
        if self._needs_key:
            self._skipped[_LATE] += 1
        return not self._needs_key

    def _waited(self, now: float) -> float:
        """Seconds for which the oldest packet has waited."""
        return next((now - event.at for event in self._buffer.items if isinstance(event, SerializedPacket)), 0.0)

    def _drop_packets(self) -> None:
        """Drop all packets; opened and lost connections stay."""
        events = list(self._buffer.items)
        self._count(events, _LATE)
        self._buffer.items.clear()
        self._buffer.items.extend(event for event in events if not isinstance(event, SerializedPacket))
        self._bytes = 0

    def _count(self, events: Iterable[SourceEvent], reason: str) -> None:
        """Count the packets of video in `events`, which are dropped."""
        packets = sum(isinstance(event, SerializedPacket) and event.stream == VIDEO for event in events)
        if packets:
            self._skipped[reason] += packets

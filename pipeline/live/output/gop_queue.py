"""The queue of an output that may be slow or disconnected. It drops complete GOPs, so that the rest can be decoded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipeline.flow.blocking import BlockingBuffer
from pipeline.live.process.messages import SerializedPacket, StreamHeader

DISCONNECTED = "output disconnected"
SLOW = "output too slow"
NO_KEY = "waiting for a key frame"

_TICKS = 90_000  # per second of the video's time base
_MAX_STEP = 1.0  # seconds that a frame counts for; a longer gap between timestamps does not fill the queue


@dataclass(frozen=True, slots=True)
class StreamStart:
    """An item of the queue: the packets after it belong to `streams`."""

    streams: StreamHeader


Item = StreamStart | SerializedPacket


class GopQueue:
    """A first-in, first-out queue in which the writer never waits; one thread takes.

    When it is full, the oldest packets are dropped up to a key frame: a complete GOP, or the rest of one of which
    packets were taken, with the audio in between. Stream 0 is the video, in ticks of 1/90000 s.

    Args:
        seconds: The most video that may wait.
        size: The most bytes that may wait.

    Attributes:
        dropped: Packets of video that were dropped, by reason.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._max_seconds, self._max_bytes = seconds, size
        self._buffer: BlockingBuffer[tuple[Item, float]] = BlockingBuffer()  # with the duration of each in seconds
        self._items = self._buffer.items
        self._seconds, self._bytes = 0.0, 0
        self._last: int | None = None  # time of the last packet of video
        self._skipping: str | None = NO_KEY  # why packets are dropped up to the next key frame
        self._is_connected = True
        self.dropped: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """The duration of the video that waits."""
        return max(0.0, self._seconds)

    def start(self, streams: StreamHeader) -> None:
        """Announce that the packets put from now on belong to `streams`."""
        with self._buffer.lock:
            if self._items and isinstance(self._items[-1][0], StreamStart):
                self._items.pop()
            self._buffer.append((StreamStart(streams), 0.0))
            self._skipping = NO_KEY

    def put(self, packet: SerializedPacket) -> None:
        """Add `packet`, or drop it; drop the oldest packets if the queue is full."""
        with self._buffer.lock:
            duration = self._duration(packet)
            if self._buffer.closed or not self._accepts(packet):
                return
            self._buffer.append((packet, duration))
            self._seconds += duration
            self._bytes += len(packet.data)
            while self._seconds > self._max_seconds or self._bytes > self._max_bytes:
                self._drop_oldest()

    def take(self, timeout: float) -> Item | None:
        """The oldest item; None if there is none for `timeout` seconds, or after `wake`. Raises Closed at the end."""
        with self._buffer.lock:
            try:
                return self._removed(*self._buffer.take(timeout))
            except TimeoutError:
                return None

    def wake(self) -> None:
        """Make the current or the next `take` return at once."""
        self._buffer.interrupt()

    def disconnect(self) -> None:
        """Drop the packets that wait, and those that come until `connect`."""
        with self._buffer.lock:
            self._is_connected = False
            start = None
            while self._items:
                item = self._pop()
                if isinstance(item, StreamStart):
                    start = item
                else:
                    self._count(item, DISCONNECTED)
            if start:
                self._items.append((start, 0.0))

    def connect(self) -> bool:
        """Accept packets, from the next key frame on if the output was disconnected; returns whether it was."""
        with self._buffer.lock:
            was_connected, self._is_connected = self._is_connected, True
            if not was_connected:
                self._skipping = NO_KEY
            return not was_connected

    def drop(self, packet: SerializedPacket, reason: str) -> None:
        """Count a packet that was taken and could not be written."""
        with self._buffer.lock:
            self._count(packet, reason)

    def close(self) -> None:
        """End the input; what waits can still be taken."""
        self._buffer.close()

    def _accepts(self, packet: SerializedPacket) -> bool:
        if self._skipping and self._is_connected and _is_key(packet):
            self._skipping = None
        reason = self._skipping if self._is_connected else DISCONNECTED
        if reason:
            self._count(packet, reason)
        return not reason

    def _duration(self, packet: SerializedPacket) -> float:
        """The seconds from the last packet of video to this one; 0 for audio."""
        time = packet.decoding_time
        if packet.stream or time is None:
            return 0.0
        step = 0 if self._last is None else time - self._last
        self._last = time
        return min(max(step / _TICKS, 0.0), _MAX_STEP)

    def _pop(self) -> Item:
        return self._removed(*self._items.popleft())

    def _removed(self, item: Item, duration: float) -> Item:
        """Subtract an item that has left the queue from what waits."""
        self._seconds -= duration
        self._bytes -= 0 if isinstance(item, StreamStart) else len(item.data)
        if not self._items:
            self._seconds = 0.0  # without rounding errors
        return item

    def _drop_oldest(self) -> None:
        """Drop packets up to a key frame; keep the newest StreamStart before it."""
        start = None
        while isinstance(self._items[0][0], StreamStart):
            start = self._pop()
        self._count(self._pop(), SLOW)
        while self._items and not isinstance(self._items[0][0], StreamStart) and not _is_key(self._items[0][0]):
            self._count(self._pop(), SLOW)
        if not self._items:
            self._skipping = SLOW
        if start and not (self._items and isinstance(self._items[0][0], StreamStart)):
            self._items.appendleft((start, 0.0))

    def _count(self, item: Item, reason: str) -> None:
        if isinstance(item, SerializedPacket) and not item.stream:
            self.dropped[reason] += 1


def _is_key(item: Item) -> bool:
    return isinstance(item, SerializedPacket) and not item.stream and item.is_keyframe

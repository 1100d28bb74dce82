"""What waits for an output that may be slow or away: whole GOPs leave, so that what is written can be decoded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipeline.flow.blocking import BlockingBuffer
from pipeline.live.process.messages import SerializedPacket, Streams

AWAY = "output away"
SLOW = "output too slow"
NO_KEY = "waiting for a key frame"

_TICKS = 90_000  # a second of the video's time base
_LONGEST_STEP = 1.0  # seconds that a frame counts for, at most: a gap in a stream is nothing that waits


@dataclass(frozen=True, slots=True)
class Begin:
    """From here on, packets are of these streams."""

    streams: Streams


Item = Begin | SerializedPacket


class GopQueue:
    """First in, first out, of at most `seconds` of stream and `size` bytes. Who puts never waits; one thread takes.

    When it is full, the oldest packets leave up to a key frame: the rest of a GOP that was begun, or a whole one, and
    the sound in between. Stream 0 is the video, in ticks of 1/90000 s.

    dropped: video packets that left so, or came when they were of no use, by reason.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._most_seconds, self._most_bytes = seconds, size
        self._buffer: BlockingBuffer[tuple[Item, float]] = BlockingBuffer()  # with the duration of each in seconds
        self._items = self._buffer.items
        self._seconds, self._bytes = 0.0, 0
        self._last: int | None = None
        self._skipping: str | None = NO_KEY  # why packets are left out, up to the next key frame
        self._away = False
        self.dropped: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """How much of the stream waits."""
        return max(0.0, self._seconds)

    def begin(self, streams: Streams) -> None:
        """What is put from now on belongs to `streams`."""
        with self._buffer.lock:
            if self._items and isinstance(self._items[-1][0], Begin):
                self._items.pop()
            self._buffer.append((Begin(streams), 0.0))
            self._skipping = NO_KEY

    def put(self, parcel: SerializedPacket) -> None:
        with self._buffer.lock:
            length = self._length(parcel)
            if self._buffer.closed or not self._is_wanted(parcel):
                return
            self._buffer.append((parcel, length))
            self._seconds += length
            self._bytes += len(parcel.data)
            while self._seconds > self._most_seconds or self._bytes > self._most_bytes:
                self._drop_oldest()

    def take(self, timeout: float) -> Item | None:
        """The oldest item; None if none came in time, or after `wake`. Raises Closed at the end."""
        with self._buffer.lock:
            try:
                return self._removed(*self._buffer.take(timeout))
            except TimeoutError:
                return None

    def wake(self) -> None:
        """Let who takes look around, now or the next time."""
        self._buffer.interrupt()

    def leave(self) -> None:
        """The output is away: what waits is of no use, nor what comes."""
        with self._buffer.lock:
            self._away = True
            begin = None
            while self._items:
                item = self._pop()
                if isinstance(item, Begin):
                    begin = item
                else:
                    self._drop(item, AWAY)
            if begin:
                self._items.append((begin, 0.0))

    def come(self) -> bool:
        """The output is there. Whether it was away: then it gets packets from the next key frame on."""
        with self._buffer.lock:
            was_away, self._away = self._away, False
            if was_away:
                self._skipping = NO_KEY
            return was_away

    def drop(self, parcel: SerializedPacket, reason: str) -> None:
        """Count a packet that was taken, and then left out after all."""
        with self._buffer.lock:
            self._drop(parcel, reason)

    def close(self) -> None:
        """Nothing more is put; what waits can still be taken."""
        self._buffer.close()

    def _is_wanted(self, parcel: SerializedPacket) -> bool:
        if self._skipping and not self._away and _is_key(parcel):
            self._skipping = None
        reason = AWAY if self._away else self._skipping
        if reason:
            self._drop(parcel, reason)
        return not reason

    def _length(self, parcel: SerializedPacket) -> float:
        time = parcel.pts if parcel.dts is None else parcel.dts
        if parcel.stream or time is None:
            return 0.0
        step = 0 if self._last is None else time - self._last
        self._last = time
        return min(max(step / _TICKS, 0.0), _LONGEST_STEP)

    def _pop(self) -> Item:
        return self._removed(*self._items.popleft())

    def _removed(self, item: Item, length: float) -> Item:
        """`item`, which is not in the queue any more."""
        self._seconds -= length
        self._bytes -= 0 if isinstance(item, Begin) else len(item.data)
        if not self._items:
            self._seconds = 0.0  # what rounding left
        return item

    def _drop_oldest(self) -> None:
        begin = None
        while isinstance(self._items[0][0], Begin):
            begin = self._pop()
        self._drop(self._pop(), SLOW)
        while self._items and not isinstance(self._items[0][0], Begin) and not _is_key(self._items[0][0]):
            self._drop(self._pop(), SLOW)
        if not self._items:
            self._skipping = SLOW
        if begin and not (self._items and isinstance(self._items[0][0], Begin)):
            self._items.appendleft((begin, 0.0))

    def _drop(self, item: Item, reason: str) -> None:
        if isinstance(item, SerializedPacket) and not item.stream:
            self.dropped[reason] += 1


def _is_key(item: Item) -> bool:
    return isinstance(item, SerializedPacket) and not item.stream and item.is_keyframe

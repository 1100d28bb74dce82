"""One clock for all connections of a live stream: what a viewer sees goes on, however often its source begins anew."""

from __future__ import annotations

from fractions import Fraction

TICKS = 90_000  # a second of the output's clock, as MPEG has it
TIME_BASE = Fraction(1, TICKS)

_LEAST = TICKS // 1000  # between two frames: containers that count milliseconds would take less for nothing
_USUAL = TICKS // 25  # that a frame lasts where none has shown it, and the most that a gap is drawn out for one
_MOST_AHEAD = TICKS  # that times may gain on arrivals from one frame to the next; more is a jump
_MOST_BEHIND = TICKS  # that times may lie before what was shown already; until they pass it, all seems to stand still
_STORE = TICKS // 4  # that frames may come early after reconnections; more is what servers had in store
_SETTLING = 5.0  # seconds of a connection in which that comes
_MOST_APART = 5 * TICKS  # of sound and the picture that belongs to it; more is a jump that only one of them has made


class LiveClock:
    """Times of frames and sound, in ticks of 1/90000 s that never go back. The first frame is shown at 0.

    Frames come in the order of showing. While a source's times go on, distances are kept to the tick. Before the first
    frame of a connection, and where times jump, the distance is that of the arrivals: a gap is a gap. What a server had
    in store at a reconnection is pressed together, as viewers would be late by it for ever, and by more each time.
    Sound goes with the picture: it is moved by as much as the last frame was.

    jumps: how often times went back, or forwards by a second more than arrivals did, within a connection.
    """

    def __init__(self) -> None:
        self.jumps = 0
        self._offset: int | None = None  # from a source's times to the output's; None until a frame tells its time
        self._source = 0  # when the source showed the last frame that told it, in ticks
        self._told = 0.0  # when that one arrived
        self._lasting = _USUAL
        self._shown: int | None = None  # when the last frame is shown
        self._arrived = 0.0  # when it arrived
        self._connected: float | None = None  # when the first frame of this connection arrived
        self._ahead: float | None = None  # of their arrival, in ticks, frames are; None at the first connection
        self._settled: float | None = None  # the same, as this connection had settled
        self._presses = False  # whether the server had a store
        self._heard: dict[int, Fraction] = {}  # by stream: the time of the last sound, in seconds

    def connect(self) -> None:
        """The next frame is the first of a connection."""
        if self._shown is not None:
            ahead = self._shown - self._arrived * TICKS
            if self._ahead is None:
                self._ahead = ahead
            elif self._settled is not None:  # the source's clock is faster or slower than ours
                self._ahead += ahead - self._settled
        self._offset = self._connected = self._settled = None
        self._presses = False

    def frame(self, pts: int | None, time_base: Fraction, arrived: float) -> int:
        """When a frame is shown. pts: its time at its source, None if unknown. arrived: by time.monotonic."""
        shown = self._later(arrived)
        if self._connected is None:
            self._connected = arrived
        if pts is not None:
            source = round(pts * time_base * TICKS)
            if self._offset is not None and self._is_jump(source, source + self._offset, arrived):
                self.jumps += 1
                self._offset = None
            if self._offset is None:
                self._offset = shown - source
            self._offset -= self._stored(source + self._offset, arrived)
            shown = source + self._offset
            self._lasting = source - self._source if _LEAST <= source - self._source <= _USUAL else self._lasting
            self._source, self._told = source, arrived
        if self._shown is not None:
            shown = max(shown, self._shown + _LEAST)
        if self._settled is None and arrived > self._connected + _SETTLING:
            self._settled = shown - arrived * TICKS
        self._shown, self._arrived = shown, arrived
        return shown

    def sound(self, stream: int, time: int, time_base: Fraction, arrived: float) -> int | None:
        """By how much sound is moved, in `time_base`; None if it has to be left out.

        That is where there is no picture yet, where it would be heard before what was sent, or far from its picture.
        time: when it is decoded, in `time_base`.
        """
        if self._offset is None or self._shown is None:
            return None
        moved = round(self._offset * TIME_BASE / time_base)
        heard = (time + moved) * time_base
        passed = max(0.0, arrived - self._arrived)
        apart = heard * TICKS - self._shown
        if not -_MOST_APART <= apart <= _MOST_APART + passed * TICKS:
            return None
        if heard < 0 or heard <= self._heard.get(stream, -1):
            return None
        self._heard[stream] = heard
        return moved

    def _stored(self, shown: int, arrived: float) -> int:
        """By how much a frame comes early, as the server had it in store."""
        if self._ahead is None or self._connected is None or arrived > self._connected + _SETTLING:
            return 0
        early = round(shown - arrived * TICKS - self._ahead)
        self._presses |= early > _STORE
        return max(early, 0) if self._presses else 0

    def _later(self, arrived: float) -> int:
        """When a frame is shown that tells no more than when it `arrived`."""
        if self._shown is None:
            return 0
        return self._shown + max(self._lasting, round((arrived - self._arrived) * TICKS))

    def _is_jump(self, source: int, shown: int, arrived: float) -> bool:
        """shown: when the frame is, if it is none."""
        gained = source - self._source
        if gained < 0 or gained > _MOST_AHEAD + (arrived - self._told) * TICKS:
            return True
        return shown < (self._shown or 0) - _MOST_BEHIND  # frames that told no time have gone on without it

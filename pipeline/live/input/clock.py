"""The clock of a live stream: one timeline for all connections of its source."""

from __future__ import annotations

from fractions import Fraction

TICKS = 90_000  # per second of the output's clock, as in MPEG
TIME_BASE = Fraction(1, TICKS)

# In ticks, except _SETTLING_SECONDS:
_MIN_STEP = TICKS // 1000  # between two frames; containers that count milliseconds would merge closer ones
_DEFAULT_STEP = TICKS // 25  # duration of a frame while none is known, and the longest that is taken from timestamps
_MAX_AHEAD = TICKS  # by which timestamps may advance more than arrivals from one frame to the next; more is a jump
_MAX_BEHIND = TICKS  # that a timestamp may be before the last frame; more is a jump, not to freeze the output
_BACKLOG = TICKS // 4  # that frames may come early after a reconnection; more is what the server had buffered
_SETTLING_SECONDS = 5.0  # of a connection, in which a backlog comes
_MAX_AUDIO_DISTANCE = 5 * TICKS  # between audio and its video; more is a jump that only one of them has made


class LiveClock:
    """Timestamps of frames and audio, in ticks of 1/90000 s that never go back. The first frame is at 0.

    Frames come in the order of showing. While a source's timestamps continue, their distances are kept to the tick.
    Before the first frame of a connection, and where timestamps jump, the distance is that of the arrivals, so that
    gaps are preserved. The backlog that a server sends after a reconnection is compressed: otherwise the output would
    be late by its length for ever, and later with each reconnection. Audio is shifted as much as the last frame.

    Attributes:
        jumps: Number of times that timestamps went back within a connection, or advanced by a second more than
            arrivals.
    """

    def __init__(self) -> None:
        self.jumps = 0
        self._offset: int | None = None  # from the source's clock to the output's; None until a frame has a timestamp
        self._source = 0  # timestamp of the last frame that had one, at the source
        self._source_arrived = 0.0  # when that frame arrived
        self._duration = _DEFAULT_STEP
        self._shown: int | None = None  # timestamp of the last frame, at the output
        self._arrived = 0.0  # when the last frame arrived
        self._backlog = _Backlog()
        self._last_audio: dict[int, Fraction] = {}  # by stream: the time of the last audio packet, in seconds

    def connect(self) -> None:
        """Note that the next frame is the first of a connection."""
        self._backlog.connect(None if self._shown is None else self._shown - self._arrived * TICKS)
        self._offset = None

    def frame(self, pts: int | None, time_base: Fraction, arrived: float) -> int:
        """The output timestamp of a frame, in ticks.

        Args:
            pts: Its timestamp at the source, in `time_base`; None if unknown.
            time_base: Of the source's video stream.
            arrived: When its packet was read, in seconds of time.monotonic.
        """
        shown = self._by_arrival(arrived)
        self._backlog.begin(arrived)
        if pts is not None:
            source = round(pts * time_base * TICKS)
            if self._offset is not None and self._is_jump(source, source + self._offset, arrived):
                self.jumps += 1
                self._offset = None
            if self._offset is None:
                self._offset = shown - source
            self._offset -= self._backlog.excess(source + self._offset, arrived)
            shown = source + self._offset
            step = source - self._source
            self._duration = step if _MIN_STEP <= step <= _DEFAULT_STEP else self._duration
            self._source, self._source_arrived = source, arrived
        if self._shown is not None:
            shown = max(shown, self._shown + _MIN_STEP)
        self._backlog.settle(shown, arrived)
        self._shown, self._arrived = shown, arrived
        return shown

    def audio(self, stream: int, time: int, time_base: Fraction, arrived: float) -> int | None:
        """The shift of an audio packet, in `time_base`; None if it has to be dropped.

        It is dropped before the first frame, before audio that was already sent, and far from its video.

        Args:
            stream: Its stream.
            time: Its decoding time, in `time_base`.
            time_base: Of its stream.
            arrived: When it was read, in seconds of time.monotonic.
        """
        if self._offset is None or self._shown is None:
            return None
        shift = round(self._offset * TIME_BASE / time_base)
        output_time = (time + shift) * time_base
        passed = max(0.0, arrived - self._arrived)
        distance = output_time * TICKS - self._shown
        if not -_MAX_AUDIO_DISTANCE <= distance <= _MAX_AUDIO_DISTANCE + passed * TICKS:
            return None
        if output_time < 0 or output_time <= self._last_audio.get(stream, -1):
            return None
        self._last_audio[stream] = output_time
        return shift

    def _by_arrival(self, arrived: float) -> int:
        """The timestamp of a frame of which only the arrival is known."""
        if self._shown is None:
            return 0
        return self._shown + max(self._duration, round((arrived - self._arrived) * TICKS))

    def _is_jump(self, source: int, shown: int, arrived: float) -> bool:
        """True if the source's timestamps jumped. shown: the frame's output timestamp if they did not."""
        gained = source - self._source
        if gained < 0 or gained > _MAX_AHEAD + (arrived - self._source_arrived) * TICKS:
            return True
        return shown < (self._shown or 0) - _MAX_BEHIND  # frames without timestamps have advanced the output meanwhile


class _Backlog:
    """Finds the frames that a server had buffered when it was reconnected: they come faster than they are shown.

    The lead of a frame is its output timestamp less its arrival, in ticks. The lead at the end of the first connection
    is the normal one; it follows the source's clock where that is faster or slower than this machine's.
    """

    def __init__(self) -> None:
        self._connected: float | None = None  # when the first frame of this connection arrived
        self._normal: float | None = None  # the normal lead; None in the first connection
        self._settled: float | None = None  # the lead of this connection once it had settled
        self._compresses = False  # this connection began with a backlog

    def connect(self, lead: float | None) -> None:
        """Note a new connection. lead: that of the last frame before it; None if there was none."""
        if lead is not None:
            if self._normal is None:
                self._normal = lead
            elif self._settled is not None:
                self._normal += lead - self._settled
        self._connected = self._settled = None
        self._compresses = False

    def begin(self, arrived: float) -> None:
        """Note a frame; the first one starts the connection's clock."""
        if self._connected is None:
            self._connected = arrived

    def excess(self, shown: int, arrived: float) -> int:
        """By how many ticks a frame comes early because the server had buffered it."""
        if self._normal is None or self._has_settled(arrived):
            return 0
        early = round(shown - arrived * TICKS - self._normal)
        self._compresses |= early > _BACKLOG
        return max(early, 0) if self._compresses else 0

    def settle(self, shown: int, arrived: float) -> None:
        """Note the lead of the first frame after the connection has settled."""
        if self._settled is None and self._has_settled(arrived):
            self._settled = shown - arrived * TICKS

    def _has_settled(self, arrived: float) -> bool:
        return self._connected is not None and arrived > self._connected + _SETTLING_SECONDS

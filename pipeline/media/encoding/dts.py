"""Decoding timestamps (dts) of packets, calculated from the presentation timestamps (pts) of the frames."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator

from pipeline.errors import OutputError
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.reading.source import Packet

_MAX_DELAY = 64  # frames; no encoder reorders as many


class DecodingTimes:
    """Calculates the dts of a stream's packets.

    For frames with pts p0 < p1 < ... that an encoder reorders by at most d places, packet i has the dts p(i - d), which
    no frame that depends on it precedes. The first d packets have p(i) - (p(d) - p0). x264 calculates its dts so, too.
    """

    def __init__(self) -> None:
        self._pts: deque[int] = deque()  # of frames, in order, whose packets are to come
        self._delay: int | None = None  # d
        self._first: list[int] = []  # the dts of the first d packets

    def add_frame(self, pts: int) -> None:
        """Add the pts of a frame, later than all before."""
        self._pts.append(pts)

    def start(self, pts: int, dts: int) -> None:
        """Find the delay d from the pts and dts that the encoder gave its first packet."""
        known = list(itertools.islice(self._pts, _MAX_DELAY))
        self._delay = min(bisect_left(known, 2 * pts - dts), len(known) - 1)
        lead = known[self._delay] - known[0]
        self._first = [time - lead for time in known[: self._delay]]

    @property
    def is_started(self) -> bool:
        return self._delay is not None

    def next(self) -> int:
        """The dts of the next packet. Raises OutputError if there are more packets than frames."""
        if self._first:
            return self._first.pop(0)
        if not self._pts:
            raise OutputError("the encoders returned more packets than frames: try `encoders=1`, and please report it")
        return self._pts.popleft()


class RecordPts(Stage["Frame | Packet", "Frame | Packet"]):
    """Adds the pts of frames, plus `shift`, to `times`; everything is passed along."""

    def __init__(self, times: DecodingTimes, shift: int) -> None:
        self._times = times
        self._shift = shift

    def feed(self, item: Frame | Packet) -> Iterator[Frame | Packet]:
        if isinstance(item, Frame):
            self._times.add_frame(item.pts + self._shift)
        yield item


class AssignDts(Stage[Packet, Packet]):
    """Replaces the dts of encoded packets by those of `times`; packets of other streams are passed along.

    Attributes:
        packets: Number of encoded packets so far.
    """

    def __init__(self, times: DecodingTimes) -> None:
        self._times = times
        self.packets = 0

    def feed(self, item: Packet) -> Iterator[Packet]:
        if item.stream is None:  # it was encoded here
            self.packets += 1
            if not self._times.is_started:
                assert item.pts is not None
                assert item.dts is not None
                self._times.start(item.pts, item.dts)
            item.dts = self._times.next()
        yield item


class RetimedEncoder(Chain["Frame | Packet", Packet]):
    """An encoder whose own dts are replaced."""

    def __init__(self, encoder: Encoder, shift: int) -> None:
        """`shift`: what `encoder` adds to each frame's pts."""
        self._encoder = encoder
        times = DecodingTimes()
        super().__init__(RecordPts(times, shift), encoder, AssignDts(times))

    @property
    def frames(self) -> int:
        """Number of frames taken so far."""
        return self._encoder.frames

    @property
    def started(self) -> int:
        """Number of frames whose encoding has started."""
        return self._encoder.started

    @property
    def packets(self) -> int:
        """Number of packets encoded so far."""
        return self._encoder.packets

"""When packets are decoded, told from when their frames are shown."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from typing import Any

from pipeline.errors import OutputError
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.media.encoding.encoder import Encoder


class DecodingTimes:
    """When packets are decoded, from when their frames are shown.

    With frames shown at p0 < p1 < ... and reordered by at most d places, packet i is decoded at p(i-d), which no frame
    is shown before; the first d packets as long before their p(i) as p(d) is after p0. x264 counts so too.
    """

    def __init__(self) -> None:
        self._shown: deque[int] = deque()
        self._delay: int | None = None  # d
        self._lead: list[int] = []

    def note(self, pts: int) -> None:
        """A frame is shown at `pts`, after all those before."""
        self._shown.append(pts)

    def start(self, pts: int, dts: int) -> None:
        """Learn d from the first packet's times, as its encoder gave them."""
        shown = list(itertools.islice(self._shown, 64))
        self._delay = min(bisect_left(shown, 2 * pts - dts), len(shown) - 1)
        ahead = shown[self._delay] - shown[0]
        self._lead = [time - ahead for time in shown[: self._delay]]

    @property
    def started(self) -> bool:
        return self._delay is not None

    def next(self) -> int:
        """The decoding time of the next packet."""
        if self._lead:
            return self._lead.pop(0)
        if not self._shown:
            raise OutputError("the encoders gave more packets than there were frames: try --encoders 1")
        return self._shown.popleft()


class NoteTimes(Stage[Any, Any]):
    """Notes when frames are shown, `shift` added, on their way to the encoder."""

    def __init__(self, times: DecodingTimes, shift: int) -> None:
        self._times = times
        self._shift = shift

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, Frame):
            self._times.note(item.pts + self._shift)
        yield item


class Retime(Stage[Any, Any]):
    """Gives the new video's packets their decoding times.

    packets: how many came.
    """

    def __init__(self, times: DecodingTimes) -> None:
        self._times = times
        self.packets = 0

    def feed(self, item: Any) -> Iterator[Any]:
        if item.stream is None:
            self.packets += 1
            if not self._times.started:
                self._times.start(item.pts, item.dts)
            item.dts = self._times.next()
        yield item


class RetimedEncoder(Chain[Any, Any]):
    """`encoder`, its decoding times given anew."""

    def __init__(self, encoder: Encoder, shift: int) -> None:
        self._encoder = encoder
        times = DecodingTimes()
        super().__init__(NoteTimes(times, shift), encoder, Retime(times))

    @property
    def frames(self) -> int:
        """How many have been taken."""
        return self._encoder.frames

    @property
    def started(self) -> int:
        """How many have come to an encoder."""
        return self._encoder.started

    @property
    def packets(self) -> int:
        """How many have been given."""
        return self._encoder.packets

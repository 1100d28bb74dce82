"""Routes: how the packets of one source stream are converted into those of its counterpart in the output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import av

from pipeline.media.pcm import is_pcm, played_duration
from pipeline.media.reading.source import Packet
from pipeline.media.writing.stream_end import ExpectedEnd, StreamEnd

Rewrite = Callable[[bytes], bytes]  # a packet's content in another codec; b"" if it has nothing to show

_FINE = Fraction(1, 90_000)  # the time base that those of more than a millisecond are converted to
_COARSE = Fraction(1, 1000)
_SHARED_TIMES_FLAG = 0x20000  # FFmpeg's AVFMT_TS_NONSTRICT: several packets of a stream may have one decoding time
_MAX_CONSECUTIVE_DROPS = 100  # packets, about two seconds; after more, the clock itself has jumped back
_MAY_COINCIDE = ("subtitle", "data")  # kinds of streams of which several packets may have one timestamp


class Route(ABC):
    """Converts the packets of one stream of the source.

    Attributes:
        stream: The counterpart in the output.
        repaired: Number of packets whose timestamp was missing or did not advance, and was replaced.
        damaged: Number of packets that could not be decoded, or were dropped because they overlap others.
        rejected: Number of packets dropped because the muxer rejects them.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.repaired = self.damaged = self.rejected = 0

    @property
    def remark(self) -> str | None:
        """A line about the damaged packets, None if there are none."""
        return f"packets that are damaged in the source: {self.damaged}" if self.damaged else None

    @property
    def end(self) -> ExpectedEnd | None:
        """The end of the stream, None if it is unknown."""
        return None

    @abstractmethod
    def feed(self, packet: Packet) -> Iterable[Packet]:
        """Return the packets to mux for a `packet` of the source."""

    def finish(self) -> Iterable[Packet]:
        """Return the packets that are still held when the source has ended."""
        return ()


class CopyRoute(Route):
    """Copies packets, with `shift` added to their timestamps, and makes decoding times advance.

    Packets shorter than a tick of the source's clock share its ticks. They still do in a container that allows it; in
    another one the clock is that of the output, usually a sample, and they are at most a tick late.

    Packets without a duration get one, as readers of mp4 files leave out what is beyond the sum of all durations.
    """

    def __init__(self, stream: Any, shift: Fraction, step: Fraction = Fraction(0)) -> None:
        """Copy to `stream`.

        Args:
            stream: The counterpart in the output.
            shift: Added to all timestamps, in seconds.
            step: Duration of a packet that has none, in seconds; 0 if it is unknown.
        """
        super().__init__(stream)
        self._shift = shift
        self._step = step
        self._last_dts: int | None = None  # decoding time, in ticks
        self._last_given: int | None = None  # the same, before it was made to advance
        self._next_dts = 0  # the decoding time of the next packet if it has none, in ticks
        self._end = StreamEnd(step, is_reordered=stream.type == "video")
        self._is_divided = bool(stream.codec_context) and is_pcm(stream.codec_context.name)
        may_share = stream.type in _MAY_COINCIDE or stream.container.format.flags & _SHARED_TIMES_FLAG
        self._min_advance = 0 if may_share else 1  # ticks by which decoding times advance, at least

    def feed(self, packet: Packet) -> Iterator[Packet]:
        if self._is_divided:
            packet.duration = played_duration(packet, self.stream.codec_context)
        self._end.add(packet)
        source_tick = packet.time_base
        _change_time_base(packet, self._time_base(packet))
        ticks = round(self._shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        self._complete_times(packet, ticks, tolerance=round(source_tick / packet.time_base))
        packet.stream = self.stream
        yield packet

    @property
    def end(self) -> ExpectedEnd | None:
        if self.rejected or self.stream.type == "data":
            return None
        return self._end.expected(self._is_divided, may_go_on=self.stream.type == "subtitle")

    def _time_base(self, packet: Packet) -> Fraction:
        """Return the time base that decoding times advance in."""
        if self._min_advance and self.stream.time_base:
            return Fraction(self.stream.time_base)
        return _FINE if packet.time_base > _COARSE else packet.time_base

    def _advance(self, packet: Packet) -> int:
        """Return the ticks from the decoding time before to that of `packet`, which is no later by its own time."""
        return self._min_advance

    def _complete_times(self, packet: Packet, ticks: int, tolerance: int) -> None:
        """Give `packet` all its times.

        Args:
            packet: In the time base of the output.
            ticks: The time of a first packet that has none.
            tolerance: Ticks by which a packet may be late without a repair, as the source's clock is so coarse.
        """
        if packet.dts is None:
            unknown = packet.pts is None
            packet.dts = (ticks if self._last_dts is None else self._next_dts) if packet.pts is None else packet.pts
            self.repaired += unknown
        given = packet.dts
        if self._last_dts is not None and given < self._last_dts + self._min_advance:
            packet.dts = self._last_dts + self._advance(packet)
            packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
            self.repaired += self._is_repair(given, tolerance)
        self._last_given = given
        if packet.pts is None:
            packet.pts = packet.dts
        if not packet.duration and self.stream.type not in _MAY_COINCIDE:
            elapsed = 0 if self._last_dts is None else packet.dts - self._last_dts
            packet.duration = max(1, round(self._step / packet.time_base) or elapsed)
        self._last_dts = packet.dts
        self._next_dts = packet.dts + (packet.duration or 0)

    def _is_repair(self, given: int, tolerance: int) -> bool:
        """Return True if making a decoding time advance is more than distinguishing packets that share a tick."""
        if self._last_dts is None or self._last_given is None or given == self._last_given:
            return False
        return given < self._last_given or self._last_dts - given > tolerance


def _change_time_base(packet: Packet, time_base: Fraction) -> None:
    """Convert the times of `packet` to `time_base`."""
    factor = packet.time_base / time_base
    if factor != 1:
        packet.pts = None if packet.pts is None else round(packet.pts * factor)
        packet.dts = None if packet.dts is None else round(packet.dts * factor)
        packet.duration = round((packet.duration or 0) * factor)
        packet.time_base = time_base


class AudioCopyRoute(CopyRoute):
    """Copies audio so that no two packets overlap.

    A single timestamp that is too late is replaced by one between its neighbours'; a packet before the last one is
    dropped.
    """

    def __init__(self, stream: Any, shift: Fraction, step: Fraction = Fraction(0)) -> None:
        super().__init__(stream, shift, step)
        self._held: Packet | None = None
        self._next: Fraction | None = None  # decoding time of the packet after the one that is copied, in seconds
        self._last_interval: tuple[int, int] | None = None  # decoding time and duration, in the source's ticks
        self._consecutive_drops = 0

    def feed(self, packet: Packet) -> Iterator[Packet]:
        held, self._held = self._held, packet
        if held is not None:
            yield from self._copy(held, packet.dts)

    def finish(self) -> Iterator[Packet]:
        held, self._held = self._held, None
        if held is not None:
            yield from self._copy(held, None)

    @property
    def remark(self) -> str | None:
        return f"packets dropped because they overlap others: {self.damaged}" if self.damaged else None

    def _copy(self, packet: Packet, next_dts: int | None) -> Iterator[Packet]:
        """Copy `packet`, which is followed by one that is decoded at `next_dts`."""
        if packet.dts is not None and self._last_interval is not None:
            last, last_duration = self._last_interval
            if next_dts is not None and last < next_dts < packet.dts:
                packet.pts = packet.dts = min(last + max(1, last_duration), next_dts - 1)
                self.repaired += 1
            if packet.dts < last and self._consecutive_drops < _MAX_CONSECUTIVE_DROPS:
                self._consecutive_drops += 1
                self.damaged += 1
                return
        self._consecutive_drops = 0
        if packet.dts is not None:
            self._last_interval = packet.dts, packet.duration or 0
        self._next = None if next_dts is None else next_dts * packet.time_base + self._shift
        yield from super().feed(packet)

    def _advance(self, packet: Packet) -> int:
        """Place packets that share a time one after the other, but before the next packet with another time."""
        if not self._min_advance or self._last_dts is None:
            return self._min_advance
        step = round(self._step / packet.time_base) or packet.duration or 1
        following = packet.dts if self._next is None else round(self._next / packet.time_base)
        room = step if following is None or following == packet.dts else following - 1 - self._last_dts
        return max(1, min(step, room))


class VideoCopyRoute(CopyRoute):
    """Copies a video; decoding times that its first packets lack, as in Matroska, are extrapolated backwards."""

    def __init__(self, stream: Any, shift: Fraction, step: Fraction = Fraction(0)) -> None:
        super().__init__(stream, shift, step)
        self._waiting: list[Packet] = []

    def feed(self, packet: Packet) -> Iterator[Packet]:
        if packet.dts is None and self._last_dts is None:
            self._waiting.append(packet)
            return
        for places, early in enumerate(reversed(self._waiting), 1):
            early.dts = (packet.dts or 0) - places * (early.duration or packet.duration or 1)
        yield from self.finish()
        yield from super().feed(packet)

    def finish(self) -> Iterator[Packet]:
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            yield from super().feed(packet)


class RewriteRoute(Route):
    """Converts the content of each packet to another codec, and drops packets with nothing to show."""

    def __init__(self, stream: Any, shift: Fraction, rewrite: Rewrite) -> None:
        super().__init__(stream)
        self._copy = CopyRoute(stream, shift)
        self._rewrite = rewrite

    def feed(self, packet: Packet) -> Iterator[Packet]:
        content = self._rewrite(bytes(packet))
        if not content:
            return
        rewritten = av.Packet(content)
        rewritten.time_base, rewritten.duration = packet.time_base, packet.duration
        rewritten.pts, rewritten.dts = packet.pts, packet.dts
        rewritten.is_keyframe = True
        yield from self._copy.feed(rewritten)
        self.repaired = self._copy.repaired

"""How the packets of a stream get into the result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import av

Rewrite = Callable[[bytes], bytes]  # the content of a packet as another codec has it; b"" if there is nothing to show

_FINE = Fraction(1, 90_000)
_COARSE = 90  # times as coarse: a millisecond
_MOST_OVERLAPPED = 100  # packets in a row, some two seconds: beyond, the clock itself has turned back
_MAY_COINCIDE = ("subtitle", "data")  # several of whose packets may have one time


class Route(ABC):
    """The way of one stream's packets into `stream`, its counterpart in the result.

    repaired: how many had to be given a time, or another one.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.repaired = 0

    @abstractmethod
    def feed(self, packet: av.Packet[Any]) -> Iterable[av.Packet[Any]]:
        """What follows from a packet of the source, for the muxer."""

    def finish(self) -> Iterable[av.Packet[Any]]:
        """What is left when no more packets come."""
        return ()


class Copied(Route):
    """Packet for packet, at its own time plus `shift` seconds, but never before the one that went ahead of it.

    step: seconds that a packet without a duration lasts, 0 if that is not known either. Readers of mp4 files leave out
    what lies beyond the sum of all durations, so that no packet may be without one.
    """

    def __init__(self, stream: Any, shift: Fraction, step: Fraction = Fraction(0)) -> None:
        super().__init__(stream)
        self._shift = shift
        self._step = step
        self._last: int | None = None  # decoding time, in ticks
        self._coarse = False
        self._next = 0  # the decoding time that a packet without one is given
        self._least = 0 if stream.type in _MAY_COINCIDE else 1  # how far decoding times advance

    def feed(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        self._coarse = _refine(packet)
        ticks = round(self._shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        self._give_times(packet, ticks)
        packet.stream = self.stream
        yield packet

    def _give_times(self, packet: av.Packet[Any], ticks: int) -> None:
        if packet.dts is None:
            unknown = packet.pts is None
            packet.dts = (ticks if self._last is None else self._next) if packet.pts is None else packet.pts
            self.repaired += unknown
        if self._last is not None and packet.dts < self._last + self._least:
            packet.dts = self._last + self._least
            packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
            self.repaired += not self._coarse
        if packet.pts is None:
            packet.pts = packet.dts
        if not packet.duration and self.stream.type not in _MAY_COINCIDE:
            since = 0 if self._last is None else packet.dts - self._last
            packet.duration = max(1, round(self._step / packet.time_base) or since)
        self._last = packet.dts
        self._next = packet.dts + (packet.duration or 0)


def _refine(packet: av.Packet[Any]) -> bool:
    """Bring a clock that several packets can share a tick of, as AVI's of sound, to a finer one; whether it is one."""
    factor = (packet.time_base or _FINE) / _FINE
    if factor > _COARSE:
        packet.pts = None if packet.pts is None else round(packet.pts * factor)
        packet.dts = None if packet.dts is None else round(packet.dts * factor)
        packet.duration = round((packet.duration or 0) * factor)
        packet.time_base = _FINE
    return factor > _COARSE


class CopiedSound(Copied):
    """Sound, of which no two packets are heard at once: one that is told too late is put right by the next one's time,
    one that lies before the last is left out.

    overlapped: how many were left out.
    """

    def __init__(self, stream: Any, shift: Fraction, step: Fraction = Fraction(0)) -> None:
        super().__init__(stream, shift, step)
        self._held: av.Packet[Any] | None = None
        self._before: tuple[int, int] | None = None  # decoding time and duration, in the source's ticks
        self._in_a_row = 0
        self.overlapped = 0

    def feed(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        held, self._held = self._held, packet
        if held is not None:
            yield from self._settled(held, packet.dts)

    def finish(self) -> Iterator[av.Packet[Any]]:
        held, self._held = self._held, None
        if held is not None:
            yield from self._settled(held, None)

    def _settled(self, packet: av.Packet[Any], next: int | None) -> Iterator[av.Packet[Any]]:
        if packet.dts is not None and self._before is not None:
            last, lasted = self._before
            if next is not None and last < next < packet.dts:
                packet.pts = packet.dts = min(last + max(1, lasted), next - 1)
                self.repaired += 1
            if packet.dts < last and self._in_a_row < _MOST_OVERLAPPED:
                self._in_a_row += 1
                self.overlapped += 1
                return
        self._in_a_row = 0
        if packet.dts is not None:
            self._before = packet.dts, packet.duration or 0
        yield from super().feed(packet)


class CopiedVideo(Copied):
    """A video whose first packets may lack decoding times, as in Matroska: counted back from the first that has one."""

    def __init__(self, stream: Any, shift: Fraction, step: Fraction = Fraction(0)) -> None:
        super().__init__(stream, shift, step)
        self._waiting: list[av.Packet[Any]] = []

    def feed(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        if packet.dts is None and self._last is None:
            self._waiting.append(packet)
            return
        for places, early in enumerate(reversed(self._waiting), 1):
            early.dts = (packet.dts or 0) - places * (early.duration or packet.duration or 1)
        yield from self.finish()
        yield from super().feed(packet)

    def finish(self) -> Iterator[av.Packet[Any]]:
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            yield from super().feed(packet)


class Rewritten(Route):
    """Packet for packet, the content of each turned into another codec's; those with nothing to show are left out."""

    def __init__(self, stream: Any, shift: Fraction, rewrite: Rewrite) -> None:
        super().__init__(stream)
        self._copied = Copied(stream, shift)
        self._rewrite = rewrite

    def feed(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        content = self._rewrite(bytes(packet))
        if not content:
            return
        new = av.Packet(content)
        new.time_base, new.pts, new.dts, new.duration = packet.time_base, packet.pts, packet.dts, packet.duration
        new.is_keyframe = True
        yield from self._copied.feed(new)
        self.repaired = self._copied.repaired

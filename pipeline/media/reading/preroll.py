"""Packets of copied streams that an edit list hides: kept as far as decoders need them to start, else dropped."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction

from pipeline.media.reading.source import Packet

_PREROLL_SECONDS = Fraction(1, 10)  # Opus needs 80 ms (RFC 7845, 4.2), AAC two frames of about 21 ms
_MAX_PACKETS = 64  # bounds the memory for a stream that is hidden to its end


class Preroll:
    """Holds hidden packets back, and yields the last of them before the first packet that is not hidden."""

    def __init__(self) -> None:
        self._hidden: defaultdict[int, deque[Packet]] = defaultdict(lambda: deque(maxlen=_MAX_PACKETS))

    def feed(self, packet: Packet) -> Iterator[Packet]:
        """Take the next packet of any stream and yield those that are to be copied now."""
        hidden = self._hidden[packet.stream_index]
        if packet.is_discard:
            hidden.append(packet)
            return
        yield from (earlier for earlier in hidden if _seconds_between(earlier, packet) <= _PREROLL_SECONDS)
        hidden.clear()
        yield packet


def _seconds_between(earlier: Packet, packet: Packet) -> Fraction:
    if earlier.pts is None or packet.pts is None or packet.time_base is None:
        return Fraction(0)
    return (packet.pts - earlier.pts) * packet.time_base

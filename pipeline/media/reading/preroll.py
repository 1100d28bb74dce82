"""Packets that an edit list hides, of streams that are copied: what decoders need to begin is kept, the rest is not."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

_NEEDED = Fraction(1, 10)  # seconds; Opus needs 80 ms (RFC 7845, 4.2), AAC two frames of some 21 ms
_MOST = 64  # packets, so that a stream that is hidden for good takes no memory


class Preroll:
    """Holds hidden packets back until one comes that is not hidden, then gives those that lie close before it."""

    def __init__(self) -> None:
        self._hidden: defaultdict[int, deque[av.Packet[Any]]] = defaultdict(lambda: deque(maxlen=_MOST))

    def kept(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        """What is to be copied now that `packet` has come."""
        hidden = self._hidden[packet.stream_index]
        if packet.is_discard:
            hidden.append(packet)
            return
        yield from (before for before in hidden if _distance(before, packet) <= _NEEDED)
        hidden.clear()
        yield packet


def _distance(before: av.Packet[Any], packet: av.Packet[Any]) -> Fraction:
    """Seconds from one packet to a later one of its stream."""
    if before.pts is None or packet.pts is None or packet.time_base is None:
        return Fraction(0)
    return (packet.pts - before.pts) * packet.time_base

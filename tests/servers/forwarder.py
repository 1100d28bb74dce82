"""A relay without uprez, for comparison: forwards packets unchanged, in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from tests.servers.server import Server

End = tuple[str, str | None, Mapping[str, str]]
"""Address, FFmpeg's format, its options."""


class Forwarder(Server):
    """Forwards from `source` to `sink`, and reconnects when either disconnects."""

    def __init__(self, source: End, sink: End) -> None:
        super().__init__(port=0)
        self.source, self.sink = source, sink

    def command(self) -> list[str]:
        ends = {
            name: {"address": end[0], "format": end[1], "options": dict(end[2])}
            for name, end in (("source", self.source), ("sink", self.sink))
        }
        return [sys.executable, "-m", "tests.servers.forwarding", json.dumps(ends)]

    def is_ready(self) -> bool:
        return True

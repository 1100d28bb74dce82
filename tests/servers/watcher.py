"""Who watches: a reader with as little delay as FFmpeg can, in a process of its own."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers.server import Server, free_port

_SOON = {"analyzeduration": "500000", "fpsprobesize": "0"}  # of what is read before the first picture
_PATIENCE = "5000000"  # microseconds without a word, after which a server is tried anew


@dataclass(frozen=True)
class Seen:
    """A picture that was watched. at, sent: ms, when it was decoded, and what its barcode tells, None if nothing.

    seconds: its time in the stream. size: width, height.
    """

    at: int
    sent: int | None
    seconds: float | None
    size: tuple[int, int]

    @property
    def delay(self) -> int | None:
        """ms from the drawing of the barcode to the decoded picture."""
        return None if self.sent is None else (self.at - self.sent) % 2**32


class Watcher(Server):
    """Reads `address`, and again when it has gone."""

    def __init__(
        self, address: str, *, format: str | None = None, options: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        super().__init__(port)
        self.address, self.format, self.options = address, format, {**_SOON, **(options or {})}

    def command(self) -> list[str]:
        settings = json.dumps({"address": self.address, "format": self.format, "options": self.options})
        return [sys.executable, "-m", "tests.servers.watching", settings]

    def is_ready(self) -> bool:
        """At once, where what it watches may come later."""
        return not self._takes_calls or self.listens()

    @property
    def _takes_calls(self) -> bool:
        return "listen" in self.options.get("rtsp_flags", "") or "listen=1" in self.address

    @property
    def sink(self) -> str:
        """The address that who publishes opens."""
        return self.address.split("?")[0]

    def seen(self) -> list[Seen]:
        """All pictures so far."""
        return [Seen(**{**told, "size": tuple(told["size"])}) for told in self._told() if "at" in told]

    def losses(self) -> list[str]:
        """What ended its connections, and attempts."""
        return [told["lost"] for told in self._told() if "lost" in told]

    def _told(self) -> list[dict]:  # type: ignore[type-arg]
        lines = self.log.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]

    @classmethod
    def rtsp(cls, address: str) -> Watcher:
        return cls(address, options={"rtsp_transport": "tcp", "timeout": _PATIENCE})

    @classmethod
    def rtsp_listening(cls) -> Watcher:
        """An RTSP server of FFmpeg's own: takes what is published to `rtsp://127.0.0.1:PORT/live`, one at a time."""
        port = free_port()
        options = {"rtsp_flags": "listen", "listen_timeout": "600", "rtsp_transport": "tcp"}
        return cls(f"rtsp://127.0.0.1:{port}/live", options=options, port=port)

    @classmethod
    def tcp_listening(cls) -> Watcher:
        """Takes MPEG-TS from whoever connects to `tcp://127.0.0.1:PORT`, one at a time."""
        port = free_port()
        return cls(f"tcp://127.0.0.1:{port}?listen=1", format="mpegts", port=port)

    @classmethod
    def udp(cls) -> Watcher:
        """Takes MPEG-TS that is sent to `udp://127.0.0.1:PORT`."""
        port = free_port(socket.SOCK_DGRAM)
        return cls(f"udp://127.0.0.1:{port}?fifo_size=100000&overrun_nonfatal=1", format="mpegts", port=port)

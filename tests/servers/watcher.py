"""A viewer with minimal delay, in a process of its own."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.server import Server, free_port

_QUICK_START = {"analyzeduration": "500000", "fpsprobesize": "0"}  # less is read before the first frame
_TIMEOUT = "5000000"  # microseconds without data, after which it reconnects


@dataclass(frozen=True)
class WatchedFrame:
    """A frame that was watched.

    Attributes:
        at: when it was decoded, in ms of time.monotonic.
        sent: when its barcode was drawn; None if that is unreadable.
        seconds: its time in the stream.
        size: width and height.
    """

    at: int
    sent: int | None
    seconds: float | None
    size: tuple[int, int]

    @property
    def delay(self) -> int | None:
        """Milliseconds from the drawing of the barcode to the decoded frame."""
        return None if self.sent is None else (self.at - self.sent) % 2**32


class Watcher(Server):
    """Reads `address`, and reconnects when it disconnects."""

    def __init__(
        self, address: str, *, format: str | None = None, options: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        super().__init__(port)
        self.address, self.format, self.options = address, format, {**_QUICK_START, **(options or {})}

    def command(self) -> list[str]:
        settings = json.dumps({"address": self.address, "format": self.format, "options": self.options})
        return [sys.executable, "-m", "tests.servers.watching", settings]

    def is_ready(self) -> bool:
        """Immediately, unless it listens: the source may start later."""
        return not self._listens or self.listens()

    @property
    def _listens(self) -> bool:
        return "listen" in self.options.get("rtsp_flags", "") or "listen=1" in self.address

    @property
    def sink(self) -> str:
        """The address that a publisher opens."""
        return self.address.split("?")[0]

    def frames(self) -> list[WatchedFrame]:
        """Returns all frames so far."""
        records = [record for record in self._records() if "at" in record]
        return [WatchedFrame(**{**record, "size": tuple(record["size"])}) for record in records]

    def losses(self) -> list[str]:
        """Returns the errors that ended its connections and attempts."""
        return [record["lost"] for record in self._records() if "lost" in record]

    def _records(self) -> list[dict[str, Any]]:
        lines = self.log.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]

    @classmethod
    def rtsp(cls, address: str) -> Watcher:
        return cls(address, options={"rtsp_transport": "tcp", "timeout": _TIMEOUT})

    @classmethod
    def rtsp_listening(cls) -> Watcher:
        """FFmpeg's own RTSP server: accepts one publisher at a time at `rtsp://127.0.0.1:PORT/live`."""
        port = free_port()
        options = {"rtsp_flags": "listen", "listen_timeout": "600", "rtsp_transport": "tcp"}
        return cls(f"rtsp://127.0.0.1:{port}/live", options=options, port=port)

    @classmethod
    def tcp_listening(cls) -> Watcher:
        """Accepts MPEG-TS at `tcp://127.0.0.1:PORT`, one connection at a time."""
        port = free_port()
        return cls(f"tcp://127.0.0.1:{port}?listen=1", format="mpegts", port=port)

    @classmethod
    def udp(cls) -> Watcher:
        """Receives MPEG-TS at `udp://127.0.0.1:PORT`."""
        port = free_port(socket.SOCK_DGRAM)
        return cls(f"udp://127.0.0.1:{port}?fifo_size=100000&overrun_nonfatal=1", format="mpegts", port=port)

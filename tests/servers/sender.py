"""A publisher: sends moving video in real time to any address, by PyAV in a process of its own."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from typing import Literal

from tests.servers.server import Server, free_port


class Sender(Server):
    """Sends to `address` in FFmpeg's `format`, and reconnects when the receiver disconnects.

    Args:
        address: of the receiver.
        format: FFmpeg's muxer.
        options: of the muxer.
        size: width and height.
        rate: frames per second.
        codec: of the video.
        audio: whether there is audio.
        barcode: whether the time of each frame is drawn into it; see barcode.py.
        gop: seconds from one key frame to the next.
        seconds: how long it sends before it starts again; None: without end.
        again: whether it retries after a failure, or exits.
        port: that it listens on, 0 if it doesn't.
    """

    def __init__(
        self,
        address: str,
        format: str,
        *,
        options: Mapping[str, str] | None = None,
        size: tuple[int, int] = (320, 240),
        rate: float = 25,
        codec: Literal["h264", "h265"] = "h264",
        audio: bool = False,
        barcode: bool = False,
        gop: float = 1.0,
        seconds: float | None = None,
        again: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.address, self.format, self.options = address, format, dict(options or {})
        self.size, self.rate, self.codec, self.audio = size, rate, codec, audio
        self.barcode, self.gop, self.seconds, self.again = barcode, gop, seconds, again

    def command(self) -> list[str]:
        names = "address format options size rate codec audio barcode gop seconds again".split()
        settings = json.dumps({name: getattr(self, name) for name in names})
        return [sys.executable, "-m", "tests.servers.sending", settings]

    def is_ready(self) -> bool:
        """Immediately, unless it listens: the receiver may start later."""
        return "listen=1" not in self.address or self.listens()

    @property
    def source(self) -> str:
        """The address that a reader of MPEG-TS opens."""
        return self.address.split("?")[0]

    @classmethod
    def rtsp(cls, address: str, **settings: object) -> Sender:
        """Publishes (ANNOUNCE, RECORD) over TCP."""
        return cls(address, "rtsp", options={"rtsp_transport": "tcp"}, **settings)  # type: ignore[arg-type]

    @classmethod
    def rtmp(cls, address: str, **settings: object) -> Sender:
        return cls(address, "flv", **settings)  # type: ignore[arg-type]

    @classmethod
    def udp(cls, **settings: object) -> Sender:
        """Sends MPEG-TS to a free port, which `source` names."""
        port = free_port(socket.SOCK_DGRAM)
        options = {"flush_packets": "1"}
        return cls(f"udp://127.0.0.1:{port}?pkt_size=1316", "mpegts", options=options, port=port, **settings)  # type: ignore[arg-type]

    @classmethod
    def tcp(cls, **settings: object) -> Sender:
        """Sends MPEG-TS at `tcp://127.0.0.1:PORT`, to one connection at a time, from the present frame on."""
        port = free_port()
        options = {"flush_packets": "1"}
        return cls(f"tcp://127.0.0.1:{port}?listen=1&tcp_nodelay=1", "mpegts", options=options, port=port, **settings)  # type: ignore[arg-type]

"""A real RTSP server: GStreamer's, in a process of the system's Python."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from tests.servers.server import Server

_PYTHON = "/usr/bin/python3"
_PROGRAM = Path(__file__).with_name("rtsp_program.py")


@dataclass(frozen=True)
class Received:
    """A frame that was published.

    Attributes:
        path: of the stream.
        at: when it arrived, in seconds of time.monotonic.
        seconds: its time in the stream.
        key: whether it is a key frame.
        size: width and height.
    """

    path: str
    at: float
    seconds: float | None
    key: bool
    size: tuple[int, int]


class RtspServer(Server):
    """Serves /live (endless) and /ends (2 s); relays what is published at /pub to /relay, and at /in to /out.

    Args:
        size: of /live: width and height.
        rate: of /live, frames per second.
        codec: of /live and of published streams.
        audio: whether they have audio.
        user: name of the user.
        password: None: no authentication.
        digest: whether authentication is "digest" instead of "basic".
        records: whether published frames are recorded for `received`.
        port: that it listens on, default a free one.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (320, 240),
        rate: float = 25,
        codec: Literal["h264", "h265"] = "h264",
        audio: bool = False,
        user: str = "admin",
        password: str | None = None,
        digest: bool = False,
        records: bool = False,
        port: int | None = None,
    ) -> None:
        super().__init__(port)
        self.size, self.rate, self.codec, self.audio = size, rate, codec, audio
        self.user, self.password, self.digest = user, password, digest
        self.records = records

    def command(self) -> list[str]:
        names = ("port", "size", "rate", "codec", "audio", "user", "password", "digest", "records")
        return [_PYTHON, str(_PROGRAM), json.dumps({name: getattr(self, name) for name in names})]

    def address(self, path: str = "/live", *, password: str | None = None) -> str:
        """Returns the address with the server's password, or with another."""
        password = password or self.password
        login = f"{quote(self.user, safe='')}:{quote(password, safe='')}@" if password else ""
        return f"rtsp://{login}127.0.0.1:{self.port}{path}"

    def received(self) -> list[Received]:
        """Returns all frames published so far."""
        lines = self.log.splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]
        return [Received(**{**each, "size": tuple(each["size"])}) for each in records]

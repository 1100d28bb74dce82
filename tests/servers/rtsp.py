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
    """A picture that was published. path: where. at: when it came, in seconds of time.monotonic. seconds: its time.

    key: it can be decoded by itself. size: width, height.
    """

    path: str
    at: float
    seconds: float | None
    key: bool
    size: tuple[int, int]


class RtspServer(Server):
    """Plays at /live (endless) and /ends (2 s); what is published at /pub is played at /relay, what is at /in at /out.

    size, rate, codec, audio: of /live; codec and audio also of what is published. password: None lets anyone in.
    digest: a password is never sent in the clear; otherwise "basic". tells: note what is published, for `received`.
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
        tells: bool = False,
        port: int | None = None,
    ) -> None:
        super().__init__(port)
        self.size, self.rate, self.codec, self.audio = size, rate, codec, audio
        self.user, self.password, self.digest = user, password, digest
        self.tells = tells

    def command(self) -> list[str]:
        names = ("port", "size", "rate", "codec", "audio", "user", "password", "digest", "tells")
        return [_PYTHON, str(_PROGRAM), json.dumps({name: getattr(self, name) for name in names})]

    def address(self, path: str = "/live", *, password: str | None = None) -> str:
        """Where to connect to; with the server's password, or with another."""
        password = password or self.password
        known = f"{quote(self.user, safe='')}:{quote(password, safe='')}@" if password else ""
        return f"rtsp://{known}127.0.0.1:{self.port}{path}"

    def received(self) -> list[Received]:
        """All that was published so far."""
        lines = self.log.splitlines(keepends=True)
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]
        return [Received(**{**each, "size": tuple(each["size"])}) for each in told]

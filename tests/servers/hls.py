"""A live stream over HTTP, as HLS and as an endless MPEG-TS, by Python's own server and PyAV."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from tests.servers.server import Server, is_listening


class HlsServer(Server):
    """Serves /live.m3u8, with segments of half a second, and /live.ts, both with the password if there is one."""

    def __init__(
        self,
        *,
        size: tuple[int, int] = (320, 240),
        rate: float = 25,
        codec: Literal["h264", "h265"] = "h264",
        audio: bool = False,
        user: str = "admin",
        password: str | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(port)
        self.size, self.rate, self.codec, self.audio = size, rate, codec, audio
        self.user, self.password = user, password
        self.barcode, self.gop, self.seconds = False, 0.5, None

    @property
    def served(self) -> Path:
        return self.folder / "served"

    def command(self) -> list[str]:
        self.served.mkdir(exist_ok=True)
        for old in self.served.iterdir():
            old.unlink()
        names = "port size rate codec audio user password barcode gop seconds".split()
        settings = {name: getattr(self, name) for name in names}
        return [sys.executable, "-m", "tests.servers.serving", json.dumps({**settings, "folder": str(self.served)})]

    def is_ready(self) -> bool:
        """When the playlist and its first segment exist."""
        return is_listening(self.port) and (self.served / "live.m3u8").exists()

    def address(self, path: str = "/live.m3u8", *, password: str | None = None) -> str:
        password = password or self.password
        login = f"{quote(self.user, safe='')}:{quote(password, safe='')}@" if password else ""
        return f"http://{login}127.0.0.1:{self.port}{path}"

"""A server on 127.0.0.1 that sends a file in several wrong ways."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

Behaviour = Literal["honest", "breaks", "breaks-silently", "ignores-ranges", "lies-about-ranges", "other", "endless"]


class LyingServer(ThreadingHTTPServer):
    """Serves `content` at every address.

    Attributes:
        content: The file.
        behaviour: "honest"; "breaks" after a third of what is missing, or 10 kB; "breaks-silently" likewise, without a
            length; "ignores-ranges"; "lies-about-ranges": sends the start as if it were the requested part; "other":
            other content of the same length; "endless".
        status: Answered instead, if it is not 200.
        ranges: The header Range of each request, None without.
    """

    daemon_threads = True

    def __init__(self, content: bytes, behaviour: Behaviour = "honest", status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.behaviour = behaviour
        self.status = status
        self.ranges: list[str | None] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), name="lying-server", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.pth"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, LyingServer)
        requested = self.headers.get("Range")
        server.ranges.append(requested)
        if server.status != 200:
            self.send_error(server.status)
            return
        content, behaviour = server.content, server.behaviour
        start = int(requested.removeprefix("bytes=").removesuffix("-")) if requested else 0
        if behaviour == "ignores-ranges":
            start = 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        if behaviour == "other":
            body = bytes(byte ^ 1 for byte in body)
        if behaviour == "lies-about-ranges":
            body = content[: len(body)]
        if behaviour not in ("breaks-silently", "endless"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour.startswith("breaks"):
            body = body[: max(len(body) // 3, 10_000)]
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            while behaviour == "endless":
                self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass

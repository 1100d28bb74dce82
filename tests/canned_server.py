"""A server on 127.0.0.1 that sends every client the same response, or none."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from typing import Self


class CannedServer(socketserver.ThreadingTCPServer):
    """Responds to RTSP and HTTP requests.

    Attributes:
        status: such as "404 Not Found"; None: connections are accepted and get no response.
        calls: number of connections so far.
        port: that it listens on.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, status: str | None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.status = status
        self.calls = 0
        self.port: int = self.server_address[1]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), name="canned-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def wait(self) -> None:
        self._closing.wait()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, CannedServer)
        server.calls += 1
        if server.status is None:
            server.wait()
            return
        with contextlib.suppress(OSError):
            while request := self._request():
                self.wfile.write(_response(request, server.status))

    def _request(self) -> list[str]:
        """The lines of the next request; none at the end."""
        lines: list[str] = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        return lines


def _response(request: list[str], status: str) -> bytes:
    protocol = request[0].rpartition(" ")[2]
    number = [line for line in request if line.startswith("CSeq")]
    return "\r\n".join(
        [f"{protocol} {status}", *number, 'WWW-Authenticate: Basic realm="here"', "Content-Length: 0", "", ""]
    ).encode()

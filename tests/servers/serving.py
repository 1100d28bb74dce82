"""Serves a live stream over HTTP; started by hls.py.

/live.m3u8  HLS: segments of half a second, the last five in the playlist
/live.ts    the same as an endless MPEG-TS, from the time of the request on
"""

from __future__ import annotations

import base64
import functools
import io
import os
import threading
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers import program
from tests.servers.sending import send


def main() -> None:
    settings = program.settings()
    playlist = {
        **settings,
        "address": os.path.join(settings["folder"], "live.m3u8"),
        "format": "hls",
        "options": {"hls_time": "0.5", "hls_list_size": "5", "hls_flags": "delete_segments+temp_file"},
    }
    threading.Thread(target=send, args=(playlist,), daemon=True).start()
    handler = functools.partial(_Handler, settings, directory=settings["folder"])
    server = ThreadingHTTPServer(("127.0.0.1", settings["port"]), handler)
    server.serve_forever()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, settings: dict[str, Any], *args: Any, **named: Any) -> None:
        self._settings = settings
        super().__init__(*args, **named)

    def do_GET(self) -> None:
        if not self._is_authorized():
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", 'Basic realm="live"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.split("?")[0] == "/live.ts":
            self._stream()
        else:
            super().do_GET()

    def _is_authorized(self) -> bool:
        password = self._settings["password"]
        expected = base64.b64encode(f"{self._settings['user']}:{password}".encode()).decode()
        return not password or self.headers.get("Authorization") == f"Basic {expected}"

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "video/mp2t")
        self.send_header("Connection", "close")
        self.end_headers()
        options = {"flush_packets": "1"}
        try:
            send({**self._settings, "address": _Unseekable(self.wfile), "format": "mpegts", "options": options})
        except OSError:
            return  # the viewer disconnected

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: addresses may contain secrets."""


class _Unseekable(io.RawIOBase):
    """A stream without seek, flushed at each write."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._file.flush()
        return len(data)


if __name__ == "__main__":
    main()

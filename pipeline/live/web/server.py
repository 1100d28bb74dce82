"""The page's server: a thread with an event loop of its own, which only asks and never holds up a stream."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from typing import TYPE_CHECKING

from pipeline.errors import SettingsError
from pipeline.flow.closing import Closing

if TYPE_CHECKING:
    import uvicorn

    from pipeline.live.web.app import App, Watched

_CLOSE_SECONDS = 1
_MOST_CONNECTIONS = 256
_TOKEN_BYTES = 16


def serve(live: Watched, where: str, token: str | None = None) -> Page:
    """Serve a page about `live` at `where`, HOST:PORT; port 0 is any that is free.

    token: what is asked of those who look. Left out: none on an address that only this machine has, else one is made.

    Raises SettingsError if the address can't be had, or the packages for it are missing.
    """
    try:
        import uvicorn

        from pipeline.live.web.app import App
        from pipeline.live.web.auth import is_loopback
    except ImportError as error:
        raise SettingsError(f'--page needs {error.name}, which is not installed: pip install "uprez[page]"') from error
    host, _, port = where.rpartition(":")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(_TOKEN_BYTES)
    listening = _listening(host.strip("[]"), int(port))
    port = listening.getsockname()[1]
    app = App(live)
    config = uvicorn.Config(
        app.guarded(token, cookie=f"uprez-{port}"),  # cookies know no ports
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )
    return Page(uvicorn.Server(config), app, listening, f"http://{_shown(host)}:{port}/", token)


class Page(Closing):
    """A page that is served until it is closed. url: where. token: what it asks for, None if nothing."""

    def __init__(self, server: uvicorn.Server, app: App, listening: socket.socket, url: str, token: str | None) -> None:
        self.url, self.token = url, token
        self._server, self._app, self._listening = server, app, listening
        self._thread = threading.Thread(target=server.run, args=([listening],), name="uprez-page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._app.closing = True
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror  # < 0: of a name
        raise SettingsError(
            f"--page {host}:{port}: {reason}; give an address of this machine and a port that is free, such as "
            "127.0.0.1:8080"
        ) from error


def _shown(host: str) -> str:
    """`host` as others reach it, where it stands for all addresses of this machine."""
    return socket.gethostname() if host in ("0.0.0.0", "[::]") else host

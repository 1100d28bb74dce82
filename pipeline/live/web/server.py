"""The page's server: a thread with an event loop of its own, which only reads and never holds up a stream."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from typing import TYPE_CHECKING

from pipeline.errors import SettingsError
from pipeline.flow.closing import Closing

if TYPE_CHECKING:
    import uvicorn

    from pipeline.live.web.app import App, PageSource

CLOSE_SECONDS = 1  # for answers to requests that wait when the page is closed
_BACKLOG = 16  # connections that are accepted at once, each of which takes a descriptor before it is counted
_TOKEN_BYTES = 16
_ELSEWHERE = ("192.0.2.1", 9)  # an address of no machine (RFC 5737)


def serve(live: PageSource, where: str, token: str | None = None) -> Page:
    """Serve a page about `live`.

    Args:
        live: The streams.
        where: HOST:PORT; port 0 is any free port.
        token: The token that clients need. By default none on a loopback address, on others one is generated.

    Raises:
        SettingsError: the address is not available, or packages are missing.
    """
    try:
        import uvicorn

        from pipeline.live.web.app import App
        from pipeline.live.web.auth import is_loopback
        from pipeline.live.web.connections import BoundedConnection
    except ImportError as error:
        raise SettingsError(f'`page` needs {error.name}, which is not installed: pip install "uprez[page]"') from error
    host, _, port = where.rpartition(":")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(_TOKEN_BYTES)
    app = App(live)
    listener = _listen(host.strip("[]"), int(port))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app.guarded(token, cookie=f"uprez-{port}"),  # cookies do not distinguish ports
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        http=BoundedConnection,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    return Page(uvicorn.Server(config), app, listener, f"http://{_public_name(host)}:{port}/", token)


class Page(Closing):
    """A page that is served until it is closed.

    Attributes:
        url: The address of the page, without the token.
        token: The token that clients need; None if none is needed.
    """

    def __init__(self, server: uvicorn.Server, app: App, listener: socket.socket, url: str, token: str | None) -> None:
        self.url, self.token = url, token
        self._server, self._app, self._listener = server, app, listener
        self._thread = threading.Thread(target=server.run, args=([listener],), name="uprez-page", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no other thread can be started
            listener.close()
            raise

    def close(self) -> None:
        self._app.closing = True
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror  # negative for names
        raise SettingsError(
            f"`page` {host}:{port}: {reason}; give an address of this machine and a free port, such as 127.0.0.1:8080"
        ) from error


def _public_name(host: str) -> str:
    """`host`, or the address of this machine in its network if it means all addresses."""
    if host not in ("0.0.0.0", "[::]"):
        return host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ELSEWHERE)  # sends nothing, but chooses the address that would send
        return str(probe.getsockname()[0])
    return socket.gethostname()

"""Who may see the page: those who know its token, and nobody through another site's scripts."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine and nobody else's."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Guard:
    """Lets requests pass to `app` that may.

    With a token: those that bring it, as `Authorization: Bearer`, or once as `?token=`, for which they get a cookie.
    Without: those that ask for this machine by a name that only it has; a foreign name that leads here would let its
    owner's pages read ours.
    """

    def __init__(self, app: ASGIApp, token: str | None, cookie: str) -> None:
        self._app, self._cookie = app, cookie
        self._token = token.encode() if token else None
        # A token may hold what a cookie can't.
        self._baked = hashlib.sha256(self._token).hexdigest() if self._token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = HTTPConnection(scope)
            brought = self._is_token(request.query_params.get("token", "").encode())
            answer = self._refusal(request, brought) or self._app
            await answer(scope, receive, self._with_headers(send, brought))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, request: HTTPConnection, brought: bool) -> Response | None:
        if self._token is None and not is_loopback(_host(request)):
            return PlainTextResponse("this page is only for the machine that it is on\n", 421)
        if self._token is not None and not brought and not self._is_known(request):
            text = "a token is needed: ?token=TOKEN, or the header Authorization: Bearer TOKEN\n"
            return PlainTextResponse(text, 401, {"WWW-Authenticate": "Bearer"})
        return None

    def _with_headers(self, send: Send, brought: bool) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if brought:
                    kept = f"{self._cookie}={self._baked}; Path=/; HttpOnly; SameSite=Strict"
                    headers.append("Set-Cookie", kept)
            await send(message)

        return sending

    def _is_known(self, request: HTTPConnection) -> bool:
        kind, _, told = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(told.encode("latin-1")):  # by which headers are decoded
            return True
        return secrets.compare_digest(_cookies(request).get(self._cookie, "").encode(), self._baked.encode())

    def _is_token(self, told: bytes) -> bool:
        return self._token is not None and secrets.compare_digest(told, self._token)


def _cookies(request: HTTPConnection) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(request.headers.get("Cookie", "")).items()}
    except CookieError:
        return {}


def _host(request: HTTPConnection) -> str:
    """The host that a request asks for, without its port."""
    host = request.headers.get("Host", "")
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]

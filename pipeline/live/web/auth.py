"""Access to the page: for clients that know its token, and not for the scripts of other sites."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_MAX_FORM = 4096  # bytes of the body of a posted form
_LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>uprez</title>
<form method="post" action="/"><label>Token, as <code>uprez live</code> printed it
<input type="password" name="token" autofocus required></label> <button>Show</button></form></html>
"""


def is_loopback(host: str) -> bool:
    """True if `host`, a name or an address, always means this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Guard:
    """Middleware that passes authorized requests to `app`.

    With a token, requests need it as `Authorization: Bearer`, or once as `?token=` or in a posted form, for which they
    get a cookie. Browsers are shown that form.
    Without one, the Host header must mean this machine; if any name were accepted, the pages of a site whose name
    resolves to this machine (DNS rebinding) could read ours.

    Args:
        app: Answers authorized requests.
        token: None if no token is needed.
        cookie: Name of the cookie.
    """

    def __init__(self, app: ASGIApp, token: str | None, cookie: str) -> None:
        self._app, self._cookie = app, cookie
        self._token = token.encode() if token else None
        # a token may contain characters that a cookie can't
        self._cookie_value = hashlib.sha256(self._token).hexdigest() if self._token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = HTTPConnection(scope)
            has_token = self._is_token(request.query_params.get("token", "").encode())
            if scope["method"] == "POST" and self._token is not None:
                has_token = self._is_token(await _posted_token(receive))
                answer: ASGIApp = RedirectResponse("/", 303) if has_token else _login_form()
            else:
                answer = self._refusal(request, has_token) or self._app
            await answer(scope, receive, self._with_headers(send, has_token))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, request: HTTPConnection, has_token: bool) -> Response | None:
        if self._token is None and not is_loopback(_host(request)):
            return PlainTextResponse("this page is only served to its own machine\n", 421)
        if self._token is not None and not has_token and not self._is_authorized(request):
            if "text/html" in request.headers.get("Accept", ""):
                return _login_form()
            text = "a token is required: ?token=TOKEN, or the header Authorization: Bearer TOKEN\n"
            return PlainTextResponse(text, 401, {"WWW-Authenticate": "Bearer"})
        return None

    def _with_headers(self, send: Send, has_token: bool) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if has_token:
                    cookie = f"{self._cookie}={self._cookie_value}; Path=/; HttpOnly; SameSite=Strict"
                    headers.append("Set-Cookie", cookie)
            await send(message)

        return sending

    def _is_authorized(self, request: HTTPConnection) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(token.encode("latin-1")):  # the encoding of headers
            return True
        return secrets.compare_digest(_cookies(request).get(self._cookie, "").encode(), self._cookie_value.encode())

    def _is_token(self, value: bytes) -> bool:
        return self._token is not None and secrets.compare_digest(value, self._token)


def _login_form() -> Response:
    """A page that asks for the token."""
    return HTMLResponse(_LOGIN, 401, {"WWW-Authenticate": "Bearer"})


async def _posted_token(receive: Receive) -> bytes:
    """The token in the body of a posted form; nothing if the form is longer than any token."""
    body, more = b"", True
    while more and len(body) <= _MAX_FORM:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    fields = parse_qs(body.decode("latin-1"), errors="surrogateescape") if len(body) <= _MAX_FORM else {}
    return fields.get("token", [""])[0].encode(errors="surrogateescape")


def _cookies(request: HTTPConnection) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(request.headers.get("Cookie", "")).items()}
    except CookieError:
        return {}


def _host(request: HTTPConnection) -> str:
    """The host of the Host header, without its port."""
    host = request.headers.get("Host", "")
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]

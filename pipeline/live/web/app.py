"""The endpoints of the page.

GET /                    the page
GET /figures             LiveFigures, JSON
GET /metrics             the same for Prometheus; its `authorization: {credentials: TOKEN}` sends a token
GET /healthz             200 while all streams are live, else 503; JSON with the status of each
GET /streams/N/pair      the newest pair of frames of the Nth stream, counted from 0, with a number above `?after=`;
                         204 if there is none for a moment; see jpeg.encode_pair for the format
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipeline.live.preview import Tap
from pipeline.live.stats import LiveFigures
from pipeline.live.web.auth import Guard
from pipeline.live.web.jpeg import JpegPairs
from pipeline.live.web.metrics import exposition

POLL_SECONDS = 2.0  # for which a request for a pair waits
_FILES = {
    "/": ("watch.html", "text/html"),
    "/watch.js": ("watch.js", "text/javascript"),
    "/watch.css": ("watch.css", "text/css"),
}


class PageSource(Protocol):
    """The source of a page, such as a Live: its figures and frames."""

    taps: dict[str, Tap]

    def figures(self) -> LiveFigures: ...


class App:
    """Answers requests about `live`.

    Attributes:
        closing: Set it to True to end all waits for pairs.
    """

    def __init__(self, live: PageSource) -> None:
        self.closing = False
        self._live = live
        self._pairs = [JpegPairs(tap) for tap in live.taps.values()]

    def guarded(self, token: str | None, cookie: str) -> Starlette:
        """The application behind a Guard (auth.py)."""
        routes = [Route(path, _file(*file)) for path, file in _FILES.items()]
        routes += [
            Route("/figures", self.figures),
            Route("/metrics", self.metrics),
            Route("/healthz", self.health),
            Route("/streams/{index}/pair", self.pair),
        ]
        return Starlette(routes=routes, middleware=[Middleware(Guard, token=token, cookie=cookie)])

    def figures(self, request: Request) -> Response:
        """The figures as JSON."""
        return Response(self._live.figures().model_dump_json(), media_type="application/json")

    def metrics(self, request: Request) -> Response:
        """The figures for Prometheus."""
        return Response(exposition(self._live.figures()), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def health(self, request: Request) -> Response:
        """The status of each stream; 200 if all are live, otherwise 503."""
        streams = self._live.figures().streams
        statuses = [{"name": stream.name, "status": stream.status} for stream in streams]
        is_live = all(stream.status == "live" for stream in streams)
        return JSONResponse({"live": is_live, "streams": statuses}, 200 if is_live else 503)

    async def pair(self, request: Request) -> Response:
        """The newest pair of frames of a stream."""
        index, after = request.path_params["index"], request.query_params.get("after", "0")
        if not _is_number(index) or int(index) >= len(self._pairs):
            return PlainTextResponse(f"unknown stream: there are {len(self._pairs)}, counted from 0\n", 404)
        if not _is_number(after):
            return PlainTextResponse("after: must be the number of a pair\n", 400)
        body, end = None, time.monotonic() + POLL_SECONDS
        while body is None and time.monotonic() < end and not self.closing:
            body = await self._pairs[int(index)].next(int(after))
        return Response(status_code=204) if body is None else Response(body, media_type="application/octet-stream")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    data = resources.files("pipeline.live.web").joinpath(name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(data, media_type=kind)

    return answer

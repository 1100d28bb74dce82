"""HTTP connections of the page: counted, and closed where a client sends nothing, so that streams keep descriptors."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 64
HEAD_SECONDS = 10.0  # in which a request's head must arrive


class BoundedConnection(H11Protocol):
    """A connection that is closed if no request comes in time, and that makes room for itself among the others.

    At MAX_CONNECTIONS, the one that has been idle longest is closed; the new one if all of them are at work.
    """

    _deadline: asyncio.TimerHandle | None = None
    _began = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin; called by the event loop."""
        super().connection_made(transport)
        self._began = self.loop.time()
        others = [each for each in self.connections if isinstance(each, BoundedConnection) and each is not self]
        if len(others) >= MAX_CONNECTIONS:
            idle = [each for each in others if each.is_idle and not each.transport.is_closing()]
            min(idle, key=lambda each: each._began, default=self).transport.close()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Handle some bytes; called by the event loop."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; called by the event loop."""
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._deadline = None
        if self.is_idle:
            self.transport.close()
        else:
            self._watch()

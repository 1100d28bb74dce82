"""A Session as two stages of a line: one thread submits, the next collects, a ticket is what passes between them.

Whatever is neither frame nor ticket passes through untouched and in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.superres.session import Session


@dataclass(frozen=True)
class Pending:
    """A frame under way, by the ticket that its session gave."""

    ticket: Any


class Submit(Stage[Any, Any]):
    """Frames in, Pending out. Once stopped, frames that come are left out.

    frames, left_out: how many were submitted, and how many were not.
    """

    def __init__(self, session: Session[Any]) -> None:
        self._session = session
        self._stopped = False
        self.frames = self.left_out = 0

    def feed(self, item: Any) -> Iterator[Any]:
        if not isinstance(item, Frame):
            yield item
        elif self._stopped:
            self.left_out += 1
            item.release()
        else:
            self.frames += 1
            yield Pending(self._session.submit(item))

    def stop(self) -> None:
        self._stopped = True

    def abort(self) -> None:
        self._session.abort()


class Collect(Stage[Any, Any]):
    """Pending in, finished frames out."""

    def __init__(self, session: Session[Any]) -> None:
        self._session = session

    def feed(self, item: Any) -> Iterator[Any]:
        yield self._session.collect(item.ticket) if isinstance(item, Pending) else item

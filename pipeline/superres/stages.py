"""A session as two pipeline stages: one thread submits frames, the next one collects them.

Items that are neither frames nor pending frames pass through both stages unchanged and in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.superres.session import Session

Passed = TypeVar("Passed")  # items that the session does not handle


@dataclass(frozen=True)
class Pending:
    """A submitted frame.

    Attributes:
        ticket: Ticket of the session that works on the frame; only that session knows its type.
    """

    ticket: Any


class Submit(Stage[Frame | Passed, Pending | Passed], Generic[Passed]):
    """Submits frames. After `stop`, further frames are released and counted instead.

    Attributes:
        frames: Number of frames submitted.
        left_out: Number of frames that arrived after `stop`.
    """

    def __init__(self, session: Session[Any]) -> None:
        self._session = session
        self._stopped = False
        self.frames = self.left_out = 0

    def feed(self, item: Frame | Passed) -> Iterator[Pending | Passed]:
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


class Collect(Stage[Pending | Passed, Frame | Passed], Generic[Passed]):
    """Waits for submitted frames and yields the upscaled ones."""

    def __init__(self, session: Session[Any]) -> None:
        self._session = session

    def feed(self, item: Pending | Passed) -> Iterator[Frame | Passed]:
        yield self._session.collect(item.ticket) if isinstance(item, Pending) else item

"""Several sessions used as one, one for each GPU: frames are distributed in turn and collected in order."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from pipeline.frame import Frame
from pipeline.superres.session import Session


@dataclass(frozen=True)
class GpuTicket:
    """Ticket of a frame.

    Attributes:
        session: The session that the frame was submitted to.
        ticket: The ticket that it returned.
    """

    session: Session[Any]
    ticket: Any


class MultiGpuSession(Session[GpuTicket]):
    """Distributes frames over sessions of one model and format, which it closes at the end."""

    def __init__(self, sessions: list[Session[Any]]) -> None:
        first = sessions[0]
        super().__init__(first.model, first.source, first.output)
        self._sessions = sessions
        self._next = cycle(sessions)

    @property
    def slots(self) -> tuple[int, int]:
        return sum(session.slots[0] for session in self._sessions), sum(session.slots[1] for session in self._sessions)

    @property
    def backend(self) -> str:
        names = [session.backend for session in self._sessions]
        return f"{len(names)} x {names[0]}" if len(set(names)) == 1 else " and ".join(names)

    def submit(self, frame: Frame) -> GpuTicket:
        session = next(self._next)
        return GpuTicket(session, session.submit(frame))

    def collect(self, ticket: GpuTicket) -> Frame:
        return ticket.session.collect(ticket.ticket)

    def queue_network(self, frames: int) -> None:
        for _ in range(frames):
            next(self._next).queue_network(1)

    def sync(self) -> None:
        for session in self._sessions:
            session.sync()

    def abort(self) -> None:
        for session in self._sessions:
            session.abort()

    def close(self) -> None:
        with ExitStack() as stack:
            for session in self._sessions:
                stack.callback(session.close)

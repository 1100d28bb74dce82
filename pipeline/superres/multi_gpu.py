"""Several sessions, one for each GPU, as one: frames go to them in turn, and leave in the order in which they came."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from pipeline.frame import Frame
from pipeline.superres.session import Session


@dataclass(frozen=True)
class GpuTicket:
    """A ticket: whose turn it was, and the ticket it gave."""

    session: Session[Any]
    ticket: Any


class MultiGpuSession(Session[GpuTicket]):
    """`sessions` of one model and format, which take turns. They are closed with it."""

    def __init__(self, sessions: list[Session[Any]]) -> None:
        first = sessions[0]
        super().__init__(first.model, first.source, first.result)
        self._sessions = sessions
        self._turn = cycle(sessions)

    @property
    def slots(self) -> tuple[int, int]:
        return sum(session.slots[0] for session in self._sessions), sum(session.slots[1] for session in self._sessions)

    @property
    def backend(self) -> str:
        names = [session.backend for session in self._sessions]
        return f"{len(names)} x {names[0]}" if len(set(names)) == 1 else " and ".join(names)

    def submit(self, frame: Frame) -> GpuTicket:
        session = next(self._turn)
        return GpuTicket(session, session.submit(frame))

    def collect(self, ticket: GpuTicket) -> Frame:
        return ticket.session.collect(ticket.ticket)

    def queue(self, frames: int) -> None:
        for _ in range(frames):
            next(self._turn).queue(1)

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

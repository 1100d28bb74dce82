"""A child that writes an output, as its parent sees it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from pipeline.flow.closing import Closing
from pipeline.live.output.gop_queue import AWAY
from pipeline.live.process.child import Child, Gone
from pipeline.live.process.messages import Lost, Open, Opened, SerializedPacket, Written

_PROGRAM = "pipeline.live.output.muxer_process"
_OPENING_SECONDS = 10.0  # for a server to let it in
_UNDER_WAY = 32  # packets that the child may hold at once; the others wait where they can still be left out


class Down(Exception):
    """The output can't be written to; the message is a line without any address."""


class Link(Closing):
    """Opens an output, as often as wanted, and hands packets to it.

    One thread opens, writes and closes; any may `mind` and `kill`. done: called with each packet of which the fate is
    known, and the reason if it was not written. news: called when the output is lost. patience: seconds that the child
    may take for one packet. refused: whether the last loss was for a password.
    """

    def __init__(
        self, done: Callable[[SerializedPacket, str], None], news: Callable[[], None], patience: float
    ) -> None:
        self._done, self._news, self._patience = done, news, patience
        self._child = Child(_PROGRAM)
        self._state = threading.Condition()
        self._under_way: deque[SerializedPacket] = deque()
        self._deadline: float | None = None  # by when the child must have done something, if it has something to do
        self._opened: Opened | None = None
        self._lost: str | None = None
        self.refused = False
        self._ear = threading.Thread(target=self._hear, name="uprez-output-ear", daemon=True)
        self._ear.start()

    @property
    def alive(self) -> bool:
        """Whether another output can be opened when one is lost."""
        return self._ear.is_alive()

    def open(self, wanted: Open) -> tuple[str, ...]:
        """End what is open, and open `wanted`; waits for both. What there is to note about it; raises Down."""
        with self._state:
            self._opened = self._lost = None
            self.refused = False
            self._deadline = time.monotonic() + _OPENING_SECONDS
        self._send(wanted)
        with self._state:
            self._state.wait_for(lambda: self._opened or self._lost, _OPENING_SECONDS)
        self.mind()
        self.check()
        if self._opened is None:
            self._child.kill()
            raise Down("it gives no answer")
        return self._opened.notes

    def write(self, parcel: SerializedPacket) -> None:
        """Hand `parcel` over; waits while too many are under way. Raises Down."""
        with self._state:
            self._state.wait_for(lambda: len(self._under_way) < _UNDER_WAY or self._lost, self._patience)
        self.mind()
        with self._state:
            lost = self._lost
            if lost is None:
                self._under_way.append(parcel)
                self._deadline = self._deadline or time.monotonic() + self._patience
        if lost is not None:
            self._done(parcel, AWAY)
            raise Down(lost)
        self._send(parcel)

    def check(self) -> None:
        """Raise Down if the output is lost."""
        if self._lost is not None:
            raise Down(self._lost)

    def mind(self) -> None:
        """Kill a child that is stuck; what waits for it gets Down."""
        deadline = self._deadline
        if deadline is not None and time.monotonic() >= deadline:
            with self._state:
                self._lost = self._lost or ("it takes nothing any more" if self._opened else "it gives no answer")
            self._child.kill()

    def kill(self) -> None:
        self._child.kill()

    def close(self, patience: float = 0.0) -> None:
        """End the output properly if that takes no longer than `patience` seconds, else at once."""
        self._child.close(patience)
        self._ear.join()

    def _send(self, message: Open | SerializedPacket) -> None:
        try:
            self._child.send(message)
        except Gone as error:
            self._lose("the process that writes it ended")
            raise Down(self._lost) from error

    def _lose(self, reason: str) -> None:
        with self._state:
            self._lost = self._lost or reason
            self._deadline = None
            dropped = list(self._under_way)
            self._under_way.clear()
            self._state.notify_all()
        for parcel in dropped:
            self._done(parcel, AWAY)
        self._news()

    def _hear(self) -> None:
        """The thread that takes what the child says."""
        try:
            while True:
                self._heed(self._child.receive())
        except Gone as gone:
            self._lose(str(gone) or "the process that writes it ended")

    def _heed(self, message: Opened | Written | Lost) -> None:
        if isinstance(message, Lost):
            self.refused = message.fault == "wrong password"
            self._lose(message.reason)
            return
        parcel = None
        with self._state:
            if isinstance(message, Opened):
                self._opened = message
            elif self._under_way:  # else it was given up meanwhile
                parcel = self._under_way.popleft()
            if self._opened:  # else what is to be done is to open
                self._deadline = time.monotonic() + self._patience if self._under_way else None
            self._state.notify_all()
        if parcel is not None and isinstance(message, Written):
            self._done(parcel, "" if message.kept else "time went back")

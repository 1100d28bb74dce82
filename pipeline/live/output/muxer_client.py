"""The parent's side of a child that writes an output."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from pipeline.flow.closing import Closing
from pipeline.live.output.gop_queue import DISCONNECTED
from pipeline.live.process.child import Child, ProcessEnded
from pipeline.live.process.messages import (
    ConnectionLost,
    ConnectionOpened,
    OpenRequest,
    PacketWritten,
    SerializedPacket,
)

_PROGRAM = "pipeline.live.output.muxer_process"
OPENING_SECONDS = 10.0  # for a server to accept the connection
_MAX_IN_FLIGHT = 32  # packets that the child may hold; the others wait where they can still be dropped
_SKIPPED = "timestamps went back"  # the reason for packets that a muxer skips
_NO_ANSWER = "no answer"
_PROCESS_ENDED = "the process that writes the output has ended"


class OutputUnavailable(Exception):
    """The output can't be written to. The message is one line without any address."""


class MuxerClient(Closing):
    """Opens an output in a child process, as often as needed, and sends packets to it.

    One thread opens, writes and closes; any thread may call `kill_if_stuck` and `kill`. The constructor raises
    ProcessEnded if the system can't start another process or thread.

    Args:
        on_done: Called with each packet that was written or dropped, and the reason for dropping it, "" if written.
        on_lost: Called when the output is lost.
        patience: Seconds that the child may take for one packet.

    Attributes:
        password_refused: True if the last connection was lost because of the password.
    """

    def __init__(
        self, on_done: Callable[[SerializedPacket, str], None], on_lost: Callable[[], None], patience: float
    ) -> None:
        self._on_done, self._on_lost, self._patience = on_done, on_lost, patience
        self._child = Child(_PROGRAM)
        self._state = threading.Condition()
        self._in_flight: deque[SerializedPacket] = deque()
        self._deadline: float | None = None  # by which the child must have answered; None if it has nothing to do
        self._opened: ConnectionOpened | None = None
        self._lost: str | None = None
        self.password_refused = False
        self._receiver = threading.Thread(target=self._receive, name="uprez-output-receive", daemon=True)
        try:
            self._receiver.start()
        except RuntimeError as error:
            self._child.close()
            raise ProcessEnded(f"can't receive from a process: {error}") from error

    @property
    def alive(self) -> bool:
        """True while outputs can be opened."""
        return self._receiver.is_alive()

    def open(self, request: OpenRequest) -> tuple[str, ...]:
        """Close what is open and open `request`; wait for both. Returns notes; raises OutputUnavailable."""
        with self._state:
            self._opened = self._lost = None
            self.password_refused = False
            self._deadline = time.monotonic() + OPENING_SECONDS
        self._send(request)
        with self._state:
            self._state.wait_for(lambda: self._opened or self._lost, OPENING_SECONDS)
        self.kill_if_stuck()
        self.check()
        if self._opened is None:
            self._child.kill()
            raise OutputUnavailable(_NO_ANSWER)
        return self._opened.notes

    def write(self, packet: SerializedPacket) -> None:
        """Send `packet`; wait while too many are in flight. Raises OutputUnavailable."""
        with self._state:
            self._state.wait_for(lambda: len(self._in_flight) < _MAX_IN_FLIGHT or self._lost, self._patience)
        self.kill_if_stuck()
        with self._state:
            lost = self._lost
            if lost is None:
                self._in_flight.append(packet)
                self._deadline = self._deadline or time.monotonic() + self._patience
        if lost is not None:
            self._on_done(packet, DISCONNECTED)
            raise OutputUnavailable(lost)
        self._send(packet)

    def check(self) -> None:
        """Raise OutputUnavailable if the output is lost."""
        if self._lost is not None:
            raise OutputUnavailable(self._lost)

    def kill_if_stuck(self) -> None:
        """Kill a child that has not answered in time; threads that wait for it get OutputUnavailable."""
        deadline = self._deadline
        if deadline is not None and time.monotonic() >= deadline:
            with self._state:
                self._lost = self._lost or ("it does not accept data any more" if self._opened else _NO_ANSWER)
            self._child.kill()

    def kill(self) -> None:
        """End the child at once."""
        self._child.kill()

    def close(self, patience: float = 0.0) -> None:
        """End the output properly if that takes at most `patience` seconds, otherwise at once."""
        self._child.end(patience)
        self._receiver.join()  # it counts the last packets, which the child has written, before the pipe is closed
        self._child.close()

    def _send(self, message: OpenRequest | SerializedPacket) -> None:
        try:
            self._child.send(message)
        except ProcessEnded as error:
            self._lose(_PROCESS_ENDED)
            raise OutputUnavailable(self._lost) from error

    def _lose(self, reason: str) -> None:
        with self._state:
            self._lost = self._lost or reason
            self._deadline = None
            dropped = list(self._in_flight)
            self._in_flight.clear()
            self._state.notify_all()
        for packet in dropped:
            self._on_done(packet, DISCONNECTED)
        self._on_lost()

    def _receive(self) -> None:
        """The thread that receives the child's messages."""
        try:
            while True:
                message = self._child.receive()
                if not isinstance(message, ConnectionOpened | PacketWritten | ConnectionLost):
                    raise ProcessEnded("the process that writes the output sent something else than reports")
                self._handle(message)
        except ProcessEnded as ended:
            self._lose(str(ended) or _PROCESS_ENDED)

    def _handle(self, message: ConnectionOpened | PacketWritten | ConnectionLost) -> None:
        if isinstance(message, ConnectionLost):
            self.password_refused = message.fault == "wrong password"
            self._lose(message.reason)
            return
        packet = None
        with self._state:
            if isinstance(message, ConnectionOpened):
                self._opened = message
            elif self._in_flight:  # otherwise the packet was given up meanwhile
                packet = self._in_flight.popleft()
            if self._opened:  # otherwise the deadline is that of opening
                self._deadline = time.monotonic() + self._patience if self._in_flight else None
            self._state.notify_all()
        if packet is not None and isinstance(message, PacketWritten):
            self._on_done(packet, "" if message.is_written else _SKIPPED)

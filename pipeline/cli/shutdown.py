"""Shutdown of work: a signal stops it in order, a second Ctrl-C aborts it, and a deadline may force the exit."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from types import FrameType
from typing import Protocol

import psutil

from pipeline.cli.signals import ending_signals, handlers_restored

_FORCED = "uprez: shutdown timed out; forced exit"
MESSAGE_SECONDS = 0.3  # for writing it: a terminal may block


class Stoppable(Protocol):
    """Work that can be ended by another thread. Either method may be called at any time, also when it has ended."""

    def stop(self) -> None:
        """Finish what is in flight, then end."""

    def abort(self) -> None:
        """End at once."""


@dataclass(frozen=True)
class ForcedExit:
    """The end of a shutdown that takes too long: child processes are killed, then the process exits.

    Attributes:
        seconds: From the first signal to the forced exit.
        code: Returns the exit code.
    """

    seconds: float
    code: Callable[[], int]


@contextmanager
def graceful_shutdown(
    work: Stoppable, forced_exit: ForcedExit | None = None, is_interruptible: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Inside, the first Ctrl-C, SIGTERM or SIGHUP stops `work`; a Ctrl-C after it aborts it, and no other signal does.

    A terminal that is closed sends SIGHUP twice. A thread listens for the signals, since the main thread can't handle
    them while it is in a library that blocks. At the end of the block, that thread and the calls of `stop` and `abort`
    have ended, and the handlers are restored; but after a signal, further ones are ignored, as the process is about to
    exit. To be used in the main thread.

    Args:
        work: What runs inside.
        forced_exit: When and how to exit if the block has not been left in time after the first signal; never if None.
        is_interruptible: Returns whether the main thread does something that `abort` doesn't reach: the second Ctrl-C,
            and any signal that follows, then raises KeyboardInterrupt there as well.
    """
    numbers = ending_signals()
    with ExitStack() as stack:
        stack.enter_context(handlers_restored())
        receiver, sender = socket.socketpair()
        listener = _Listener(receiver, sender, work, forced_exit, is_interruptible)
        stack.callback(listener.ignore_further_signals)
        for resource in (receiver, sender, listener):
            stack.enter_context(resource)
        sender.setblocking(False)
        stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(-1))  # first: handlers still raise KeyboardInterrupt
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)

        def handle(number: int, frame: FrameType | None) -> None:
            """Leave the signal to the listener, which reads it from the socket, unless it is for the main thread."""
            if listener.interrupts_main:
                raise KeyboardInterrupt

        for number in numbers:
            signal.signal(number, handle)
        try:
            yield
        finally:
            listener.interrupts_main = False


class _State(Enum):
    """How far a shutdown has come."""

    RUNNING = auto()  # no signal yet
    STOPPING = auto()  # after the first signal
    ABORTING = auto()  # after a Ctrl-C that followed; further ones change nothing


class _Listener:
    """The thread that reads signal numbers from `receiver` and acts on them, until `sender` is shut down."""

    def __init__(
        self,
        receiver: socket.socket,
        sender: socket.socket,
        work: Stoppable,
        forced_exit: ForcedExit | None,
        is_interruptible: Callable[[], bool],
    ) -> None:
        self._receiver, self._sender = receiver, sender
        self._forced_exit, self._is_interruptible = forced_exit, is_interruptible
        self._numbers = frozenset(ending_signals())
        self.interrupts_main = False
        self._work, self._state = work, _State.RUNNING
        self._calls: list[threading.Thread] = []
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._listen, name="uprez-shutdown", daemon=True)

    def ignore_further_signals(self) -> None:
        """Ignore ending signals from now on, if there was one."""
        if self._state is not _State.RUNNING:
            for number in ending_signals():
                signal.signal(number, signal.SIG_IGN)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *raised: object) -> None:
        self._sender.shutdown(socket.SHUT_WR)
        self._thread.join()

    def _listen(self) -> None:
        try:
            while received := self._receive():
                if received[0] in self._numbers:  # others have handlers too, such as SIGALRM
                    self._advance(received[0])
            for call in self._calls:
                call.join(self._left())
                if call.is_alive():
                    raise TimeoutError
        except TimeoutError:
            assert self._forced_exit is not None
            _force_exit(self._forced_exit.code())

    def _receive(self) -> bytes:
        """The number of the next signal; nothing at the end. Raises TimeoutError at the deadline."""
        left = self._left()
        if left == 0:
            raise TimeoutError
        self._receiver.settimeout(left)
        return self._receiver.recv(1)

    def _left(self) -> float | None:
        """Seconds until the exit is forced; None if it won't be."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _advance(self, number: int) -> None:
        """Act on a signal. The calls have threads of their own, as they may block."""
        if self._state is _State.RUNNING:
            self._state = _State.STOPPING
            if self._forced_exit is not None:
                self._deadline = time.monotonic() + self._forced_exit.seconds
            self._calls.append(_in_thread(self._work.stop))
            return
        if number != signal.SIGINT:
            return
        interrupts = self._is_interruptible()  # asked before `abort` ends what is running
        if self._state is _State.STOPPING:
            self._state = _State.ABORTING
            self._calls.append(_in_thread(self._work.abort))
        if interrupts:
            self._calls[-1].join(MESSAGE_SECONDS)  # so that the main thread knows that it is aborted
            self._interrupt_main()

    def _interrupt_main(self) -> None:
        """Raise KeyboardInterrupt in the main thread, by a signal: it may be waiting."""
        self._numbers = frozenset()  # this signal and those that follow are for the main thread alone
        self.interrupts_main = True
        main = threading.main_thread().ident
        assert main is not None
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)


def _force_exit(code: int) -> None:
    """End the process at once, and its children before it."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    _in_thread(lambda: print(_FORCED, file=sys.stderr, flush=True)).join(MESSAGE_SECONDS)
    os._exit(code)


def _in_thread(call: Callable[[], None]) -> threading.Thread:
    """Start `call`, which may block, in a thread of its own."""
    thread = threading.Thread(target=call, name="uprez-shutdown-call", daemon=True)
    thread.start()
    return thread

"""A Python process for what FFmpeg may block on for ever: a read, a connect or a write can't be interrupted, but a
process can be killed.

Messages are pickled: both ends are this package. The child's end of file on standard input means "end now".
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.flow.closing import Closing

_POLITE_SECONDS = 0.5


class Gone(Exception):
    """The process at the other end has ended; of a bug it says where it was."""


@dataclass(frozen=True)
class _Bug:
    """The last that a child says. where: the error's type, and the places it came through."""

    where: str


class Child(Closing):
    """A process that runs `module`, whose main calls `serve`. Any thread may send, one receives, any may kill.

    It is in a session of its own, so that Ctrl-C reaches only the parent, and ends by itself when the parent is killed.
    Raises Gone where the system has no room for another process.
    """

    def __init__(self, module: str) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],  # whatever lies in the present folder is not ours
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_found_in())},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # FFmpeg's words may hold addresses; what matters comes as a message
                start_new_session=True,
            )
        except OSError as error:
            raise Gone(f"no process can be started now ({error.strerror})") from error
        self._sending = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Any) -> None:
        """Hand `message` over; waits while the child takes nothing. Raises Gone."""
        assert self._process.stdin is not None
        try:
            with self._sending:
                _write(self._process.stdin, message)
        except (OSError, ValueError) as error:  # ValueError: closed by `close`
            raise Gone from error

    def receive(self) -> Any:
        """The next message; waits for it. Raises Gone."""
        assert self._process.stdout is not None
        try:
            message = pickle.load(self._process.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            raise Gone from error
        if isinstance(message, _Bug):
            raise Gone(f"a bug, please report it: {message.where}")
        return message

    def kill(self) -> None:
        """End it at once; whoever sends or receives gets Gone."""
        self._process.kill()

    def close(self, patience: float = _POLITE_SECONDS) -> None:
        """Ask it to end, kill it after `patience` seconds, and leave nothing of it behind. May be called again."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        closer = threading.Thread(target=self._end_input, name="uprez-close", daemon=True)
        closer.start()  # a pipe that is full blocks its closing too
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        closer.join()
        with contextlib.suppress(OSError):
            self._process.stdout.close()

    def _end_input(self) -> None:
        assert self._process.stdin is not None
        with self._sending, contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()


class Parent:
    """The child's end of the pipes."""

    def __init__(self, taken: BinaryIO, given: BinaryIO) -> None:
        self._taken, self._given = taken, given
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Hand `message` over. Raises Gone where the parent has ended."""
        try:
            with self._sending:
                _write(self._given, message)
        except OSError as error:
            raise Gone from error

    def receive(self) -> Any:
        """The next message; waits for it. Raises Gone at the end."""
        try:
            return pickle.load(self._taken)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:  # it may be killed amid a message
            raise Gone from error


def serve(work: Callable[[Parent], None]) -> None:
    """Run `work` as the main of a child. What anything in it prints goes nowhere, not among the messages."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)  # the parent says when it is over
    given = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    parent = Parent(sys.stdin.buffer, given)
    with contextlib.suppress(Gone):
        try:
            work(parent)
        except Exception as error:  # what it says may hold an address
            places = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)]
            parent.send(_Bug(f"{type(error).__name__} at {' '.join(places)}"))
    os._exit(0)  # a thread of FFmpeg's may still be waiting for a server


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Let the system end this process, a child, if what is inside takes longer: all of Python may wait for FFmpeg."""
    if not hasattr(signal, "alarm"):  # Windows
        yield
        return
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _found_in() -> list[str]:
    """Where a child looks for modules: first where this process found the package."""
    root = str(Path(__file__).resolve().parents[3])
    return [root, *filter(None, [os.environ.get("PYTHONPATH")])]


def _write(file: Any, message: Any) -> None:
    pickle.dump(message, file, protocol=pickle.HIGHEST_PROTOCOL)
    file.flush()

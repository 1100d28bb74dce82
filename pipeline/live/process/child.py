"""A Python child process for calls in which FFmpeg may block for ever.

A read, a connect or a write of FFmpeg's can't be interrupted, but a process can be killed. It also parses what servers
send, so it is confined (confinement.py), and what it sends is checked (wire.py). What it receives is pickled, as its
parent is trusted. End of file on the child's standard input means "end now".
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
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.flow.closing import Closing
from pipeline.live.process import wire
from pipeline.live.process.confinement import MAX_MEMORY, import_path, limit_resources, needed_environment
from pipeline.live.process.messages import ConnectionLost

_POLITE_SECONDS = 0.5
_ROOT = str(Path(__file__).resolve().parents[3])


class ProcessEnded(Exception):
    """The process at the other end has ended. The message is empty unless the cause is known, such as a bug."""


class Child(Closing):
    """A process that runs `module`, whose main calls `serve`. Any thread may send or kill, one receives.

    It has a session of its own, so that Ctrl-C reaches only the parent, and ends by itself when the parent is killed.
    Raises ProcessEnded if the system can't start another process.
    """

    def __init__(self, module: str) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],  # do not import from the current folder
                env=needed_environment(os.environ) | {"PYTHONPATH": import_path(_ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # FFmpeg's messages may contain addresses with secrets
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessEnded(f"can't start a process: {error.strerror}") from error
        self._sending = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Any) -> None:
        """Send `message`; waits while the pipe to the child is full. Raises ProcessEnded."""
        assert self._process.stdin is not None
        try:
            with self._sending:
                _write(self._process.stdin, message)
        except (OSError, ValueError) as error:  # ValueError: closed by `close`
            raise ProcessEnded from error

    def receive(self) -> Any:
        """Wait for the next message. Raises ProcessEnded."""
        assert self._process.stdout is not None
        try:
            message = wire.read(self._process.stdout)  # type: ignore[arg-type]  # a pipe is opened in binary mode
        except (EOFError, OSError, ValueError) as error:
            raise ProcessEnded from error
        if isinstance(message, wire.ChildFailure):
            raise ProcessEnded(f"a bug, please report it: {message.where}")
        return message

    def kill(self) -> None:
        """End the child at once; threads that send or receive get ProcessEnded."""
        self._process.kill()

    def end(self, patience: float = _POLITE_SECONDS) -> None:
        """Request the child to end; kill it after `patience` seconds. What it has sent can still be received."""
        closer = threading.Thread(target=self._end_input, name="uprez-close", daemon=True)
        try:
            closer.start()  # closing a full pipe blocks too
        except RuntimeError:  # no other thread can be started; the pipe to a child that has ended is closed at once
            self._process.kill()
            self._process.wait()
            self._end_input()
            return
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        closer.join()

    def close(self, patience: float = _POLITE_SECONDS) -> None:
        """End the child as `end` does, and release all resources. May be called again."""
        assert self._process.stdout is not None
        self.end(patience)
        with contextlib.suppress(OSError):
            self._process.stdout.close()

    def _end_input(self) -> None:
        assert self._process.stdin is not None
        with self._sending, contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()


class Parent:
    """The parent, as the child sees it: the child's ends of the two pipes."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Send `message`. Raises ProcessEnded if the parent has ended."""
        try:
            with self._sending:
                self._outgoing.write(wire.encode(message))
                self._outgoing.flush()
        except OSError as error:
            raise ProcessEnded from error

    def receive(self) -> Any:
        """Wait for the next message. Raises ProcessEnded at the end."""
        try:
            return pickle.load(self._incoming)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:  # killed within a message
            raise ProcessEnded from error


def serve(work: Callable[[Parent], None]) -> None:
    """Run `work` as the main function of a child. What it prints is discarded, as messages use standard output."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)  # the parent decides when the child ends
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with open(os.devnull, "wb") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())
    limit_resources()
    parent = Parent(sys.stdin.buffer, outgoing)
    with contextlib.suppress(ProcessEnded):
        try:
            work(parent)
        except MemoryError:
            parent.send(ConnectionLost("broken", f"it needs more than {MAX_MEMORY >> 20} MiB of memory"))
        except Exception as error:  # its message may contain an address
            places = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)]
            parent.send(wire.ChildFailure(f"{type(error).__name__} at {' '.join(places)}"))
    os._exit(0)  # without waiting for FFmpeg's threads, which may wait for a server


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Let the system end this child process if the block takes longer: FFmpeg may hold up all Python threads."""
    if not hasattr(signal, "alarm"):  # Windows
        yield
        return
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _write(file: Any, message: Any) -> None:
    pickle.dump(message, file, protocol=pickle.HIGHEST_PROTOCOL)
    file.flush()

"""A server process on 127.0.0.1 that can be killed, frozen, thawed and restarted with other attributes."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0  # seconds for a process to start or to react, on a machine under load
_POLL_SECONDS = 0.02


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Returns a port of 127.0.0.1 that is free at present."""
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Waits until `condition` returns something true, and returns that; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"timed out after {seconds:g} s: {what}")
        time.sleep(_POLL_SECONDS)
    return value


def is_listening(port: int) -> bool:
    """Returns whether a connection to `port` is accepted."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Server:
    """One process at a time, that of `command`; by default it is ready when its port accepts connections.

    A `with` starts it, and at its end kills the process and removes its files.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = free_port() if port is None else port
        self.folder = Path(tempfile.gettempdir()) / f"uprez-server-{uuid.uuid4().hex}"  # made when it starts
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        return is_listening(self.port)

    def listens(self) -> bool:
        """Returns whether its process listens, without a connection, for servers that accept only one."""
        connections = psutil.Process(self.pid).net_connections()
        return any(connection.status == psutil.CONN_LISTEN for connection in connections)

    @property
    def pid(self) -> int:
        assert self._process is not None, "it is not running"
        return self._process.pid

    @property
    def log(self) -> str:
        """Its output so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        assert self._process is None, "it is running already"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            # Programs of this folder end when their standard input does, so also when this process is killed.
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )
        atexit.register(self.kill)
        until(self._is_started, f"{type(self).__name__} starts")

    def _is_started(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{type(self).__name__} ended with {self._process.returncode}: {self.log}")
        return self.is_ready()

    def kill(self) -> None:
        """Kills it, also when it is frozen. It can be started again."""
        atexit.unregister(self.kill)
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()

    def restart(self, **changes: Any) -> None:
        """Kills it and starts it on the same port, with other values of its attributes."""
        self.kill()
        self.change(**changes)
        self.start()

    def change(self, **changes: Any) -> None:
        """Sets its attributes for the next start."""
        for name, value in changes.items():
            assert hasattr(self, name), name
            setattr(self, name, value)

    def freeze(self) -> None:
        """Stops the process; its connections stay open."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Continues the process."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kills it and removes its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""A process that serves on 127.0.0.1, and what may befall it: killed, frozen, thawed, started again as another."""

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
_PATIENCE = 20.0  # seconds for a server to come up, on a machine that does other things too
_LOOK_SECONDS = 0.02


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody listens on, for now."""
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(happens: Callable[[], Any], what: str, seconds: float = _PATIENCE) -> Any:
    """What `happens` gives as soon as that is true; fails after `seconds`, which no machine should take."""
    end = time.monotonic() + seconds
    while not (seen := happens()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for this in vain: {what}")
        time.sleep(_LOOK_SECONDS)
    return seen


def is_listening(port: int) -> bool:
    """Whether someone takes calls there; it calls."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Server:
    """One process at a time, that of `command`. It is ready when `is_ready`, by default when its port takes calls.

    In a `with` it is started, and nothing of it is left afterwards, whatever happens in between.
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
        """Whether its process waits for calls, found out without one, for who takes only one."""
        connections = psutil.Process(self.pid).net_connections()
        return any(connection.status == psutil.CONN_LISTEN for connection in connections)

    @property
    def pid(self) -> int:
        assert self._process is not None, "it is not running"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has said so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        assert self._process is None, "it is running already"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            # Own programs end when their standard input does: with this process, whatever ends that.
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )
        atexit.register(self.kill)
        until(self._is_up, f"{type(self).__name__} comes up")

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{type(self).__name__} ended with {self._process.returncode}: {self.log}")
        return self.is_ready()

    def kill(self) -> None:
        """End it at once, as a power cut would; also when it is frozen. It may be started again."""
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
        """Kill it, and start it on the same port, with other values of its attributes."""
        self.kill()
        self.change(**changes)
        self.start()

    def change(self, **changes: Any) -> None:
        """Other values of its attributes, for the next start."""
        for name, value in changes.items():
            assert hasattr(self, name), name
            setattr(self, name, value)

    def freeze(self) -> None:
        """It does nothing any more, and its connections stay open."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill it, and remove its folder."""
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

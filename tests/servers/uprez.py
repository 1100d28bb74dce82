"""`uprez live` in a process of its own, with its reports."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import psutil

from pipeline.live.stats import LiveFigures, StreamFigures
from tests.servers.server import PATIENCE, until
from tests.waiting import has_ended

_PATIENT, _ORDINARY = "tests.patient_uprez", "pipeline.cli.main"


class Uprez:
    """`uprez live ARGUMENTS --json`. A `with` starts it, and at its end kills it and its children.

    Args:
        arguments: Those of the command.
        environment: Variables beside those of this process.
        is_patient: Let it end in order, however long that takes under load; otherwise within its own limits.

    Attributes:
        command: its command line.
        reports: time.monotonic and figures of each line that it printed.
        lines: all lines of its standard output.
    """

    def __init__(
        self, *arguments: object, environment: Mapping[str, str] | None = None, is_patient: bool = True
    ) -> None:
        program = _PATIENT if is_patient else _ORDINARY
        self.command = [sys.executable, "-m", program, "live", *map(str, arguments), "--json"]
        self._environment = {**os.environ, **(environment or {})}
        self.reports: list[tuple[float, LiveFigures]] = []
        self.lines: list[str] = []
        self._family: set[psutil.Process] = set()

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+")
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=self._environment,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="uprez-reports")
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.family()
        self._process.kill()
        self._process.wait()
        for child in self._family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            if line.startswith("{") and line.endswith("}\n"):  # of a process that is killed, the last may be cut off
                self.reports.append((time.monotonic(), LiveFigures.model_validate_json(line)))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    @property
    def errors(self) -> str:
        """Its standard error so far."""
        return os.pread(self._errors.fileno(), 1 << 24, 0).decode(errors="replace")

    @property
    def messages(self) -> str:
        """Its output and errors so far."""
        return "".join(self.lines) + self.errors

    @property
    def figures(self) -> LiveFigures | None:
        """The latest figures; None before the first report."""
        return self.reports[-1][1] if self.reports else None

    @property
    def stream(self) -> StreamFigures | None:
        """The latest figures of the first stream."""
        return self.figures.streams[0] if self.figures else None

    def until(self, condition: Callable[[StreamFigures], Any], what: str, seconds: float = PATIENCE) -> StreamFigures:
        """Waits until `condition` is true of the first stream, and returns its figures."""

        def check() -> StreamFigures | None:
            if self.code is not None and not (self.stream and condition(self.stream)):
                raise AssertionError(f"it exited with code {self.code} before this: {what}\n{self.errors}")
            return self.stream if self.stream and condition(self.stream) else None

        try:
            return until(check, what, seconds)  # type: ignore[no-any-return]
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.stream!r}\n{self.errors}") from None

    def until_out(self, frames: int, seconds: float = PATIENCE) -> StreamFigures:
        """Waits until `frames` more frames than now are written."""
        have = self.stream.frames_out if self.stream else 0
        return self.until(
            lambda stream: stream.frames_out >= have + frames, f"{frames} frames more than {have}", seconds
        )

    def family(self) -> list[psutil.Process]:
        """Returns its process and its descendants."""
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.pid)
            found = [own, *own.children(recursive=True)]
            self._family.update(found[1:])
            return found
        return []

    def orphans(self) -> list[psutil.Process]:
        """Returns the descendants that `family` found and that still run."""
        return [child for child in self._family if not has_ended(child)]

    def kill(self) -> None:
        """Kills it by SIGKILL."""
        self.family()
        self._process.kill()
        self._process.wait()

    def end(self, by: signal.Signals = signal.SIGINT, seconds: float = PATIENCE) -> float:
        """Sends a signal and waits for its end; returns how many seconds that took."""
        self.family()
        began = time.monotonic()
        self._process.send_signal(by)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        assert self.code is not None, f"it is still running {seconds:g} s after {by.name}\n{self.errors}"
        took = time.monotonic() - began
        self._reader.join(seconds)
        return took

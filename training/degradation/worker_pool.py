"""Processes that make clips, and replacements for those that end or hang."""

from __future__ import annotations

import collections
import contextlib
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

WORKER = (sys.executable, "-m", "training.degradation.worker")
"""The command of a process that makes clips; the folder is added."""

_ROOT = Path(__file__).parents[2]
_TRIES = 3
_TICK = 0.2  # seconds between looks at the time and at the request to stop


@dataclass
class _Worker:
    """A process with the clip it works on.

    Attributes:
        process: The process.
        errors: File with its stderr.
        clip: Number of the clip.
        since: `time.monotonic` when it was sent.
    """

    process: subprocess.Popen[bytes]
    errors: Path
    clip: int = -1
    since: float = 0.0

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, clip: int) -> None:
        assert self.process.stdin is not None
        self.clip, self.since = clip, time.monotonic()
        # If it has ended, its output ends too, where this is handled.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"%d\n" % clip)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@dataclass
class WorkerPool:
    """Makes all clips of a folder by several processes.

    Attributes:
        folder: As `StoredArrays.create` has filled it.
        clips: Number of clips.
        processes: Number of processes.
        patience: Seconds after which a process that has not returned its clip is replaced.
        command: Program with arguments, to which the folder is added.
    """

    folder: Path
    clips: int
    processes: int
    patience: float
    command: tuple[str, ...] = WORKER
    _started: int = 0
    _failures: collections.Counter[int] = field(default_factory=collections.Counter)

    def run(self, on_done: Callable[[int], None], is_stopped: Callable[[], bool]) -> None:
        """Make all clips, or as many as are made before `is_stopped` is true. No process is left at the end.

        Args:
            on_done: Is called with the number of each clip that is stored.
            is_stopped: Is asked a few times a second.

        Raises:
            RuntimeError: A clip has failed three times; the message has the last line that its process wrote.
        """
        waiting = collections.deque(range(self.clips))
        workers: list[_Worker] = []
        with selectors.DefaultSelector() as selector:
            try:
                while (waiting or workers) and not is_stopped():
                    while waiting and len(workers) < self.processes:
                        workers.append(self._start())
                        workers[-1].send(waiting.popleft())
                        selector.register(workers[-1].output, selectors.EVENT_READ, workers[-1])
                    for worker, has_clip in self._events(selector, workers):
                        if has_clip:
                            on_done(worker.clip)
                            if waiting:
                                worker.send(waiting.popleft())
                                continue
                        else:
                            waiting.appendleft(self._failed(worker))
                        selector.unregister(worker.output)
                        workers.remove(worker)
                        worker.stop()
            finally:
                for worker in workers:
                    worker.stop()

    def _start(self) -> _Worker:
        self._started += 1
        errors = self.folder / f"errors-{self._started}"
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                [*self.command, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                cwd=_ROOT,
            )
        return _Worker(process, errors)

    def _events(self, selector: selectors.BaseSelector, workers: list[_Worker]) -> Iterator[tuple[_Worker, bool]]:
        """Workers that have stored their clip (True), or have ended or hang (False)."""
        answered = []
        for key, _ in selector.select(_TICK):
            worker: _Worker = key.data
            answered.append(worker)
            yield worker, bool(worker.output.readline().strip())
        now = time.monotonic()
        for worker in list(workers):
            if worker not in answered and now - worker.since > self.patience:
                yield worker, False

    def _failed(self, worker: _Worker) -> int:
        """The clip of a worker that has failed; it is to be made again."""
        self._failures[worker.clip] += 1
        if self._failures[worker.clip] >= _TRIES:
            status = None
            # A process whose output has ended is about to end.
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = worker.process.wait(timeout=5 * _TICK)
            reason = f"its process ended with {status}" if status is not None else f"no answer in {self.patience:g} s"
            last = (worker.errors.read_text(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"clip {worker.clip} failed {_TRIES} times: {reason}: {last}")
        return worker.clip

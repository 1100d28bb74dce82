"""A stage whose work is shared out among threads, by runs of items, and whose results leave in the order of the runs.

    items ──▶ run 3 ──▶ worker ──▶ made ─┐
              run 2 ──▶ worker ──▶ made ─┼──▶ run 1's results, then run 2's, then run 3's
              run 1 ──▶ worker ──▶ made ─┘

Who does what:
- The thread that feeds the fan cuts the items into runs, and gives what the oldest runs have made so far.
- Each worker takes the oldest run that none has taken, and feeds it to a stage of its own, made for this run.
- At most `capacity` items wait or are at work; the feeding thread waits for room. Results are not bounded.
- What is no work travels along in its place, between the results of the run that was open when it came.
- The first error of a worker ends all of them, and is raised in the feeding thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.flow.channel import Aborted, Channel
from pipeline.flow.stage import Stage


@dataclass
class _Run:
    """Items for one worker, and what it has made of them. count: items so far. done: there will be no more results."""

    items: Channel[Any]
    made: deque[Any] = field(default_factory=deque)
    count: int = 0
    done: threading.Event = field(default_factory=threading.Event)


class ParallelStage(Stage[Any, Any]):
    """Runs of `length` items, each through a stage that `make` gives, in `workers` threads.

    kind: the class of the items that are work.
    """

    def __init__(
        self, make: Callable[[], Stage[Any, Any]], kind: type[Any], workers: int, length: int, capacity: int
    ) -> None:
        self._make = make
        self._kind = kind
        self._workers = workers
        self._length = length
        self._room: Channel[Any] = Channel(capacity)
        self._untaken: Channel[_Run] = Channel(1, weight=lambda run: 0)
        self._runs: deque[_Run] = deque()
        self._error: BaseException | None = None
        self._aborted = False
        self._threads: list[threading.Thread] = []

    @property
    def waiting(self) -> int:
        """How many items no worker has finished with."""
        return len(self._room)

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, self._kind):
            self._share_out(item)
        elif self._runs:
            self._runs[-1].made.append(item)
        else:
            yield item
        yield from self._ready()

    def finish(self) -> Iterator[Any]:
        if self._runs:
            self._runs[-1].items.close()
        self._untaken.close()
        while self._runs:
            self._runs[0].done.wait()
            yield from self._ready()

    def abort(self) -> None:
        self._aborted = True
        runs = list(self._runs)
        for channel in (self._room, self._untaken, *(run.items for run in runs)):
            channel.abort()
        for run in runs:
            run.done.set()

    def close(self) -> None:
        self.abort()
        for thread in self._threads:
            thread.join()

    def _share_out(self, item: Any) -> None:
        try:
            self._room.put(True)
            run = self._open_run()
            run.items.put(item)
        except Aborted:
            self._check()
            raise
        run.count += 1
        if run.count == self._length:
            run.items.close()

    def _open_run(self) -> _Run:
        """The run that has room for an item; a new one comes with a worker, until there are enough of these."""
        if self._runs and self._runs[-1].count < self._length:
            return self._runs[-1]
        run = _Run(Channel(self._length))
        self._runs.append(run)
        self._untaken.put(run)
        if len(self._threads) < self._workers:
            name = f"uprez-fan-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
        return run

    def _ready(self) -> Iterator[Any]:
        """What the oldest runs have made, as far as it is the next."""
        while self._runs:
            run = self._runs[0]
            done = run.done.is_set()  # asked first: what was made before it was set is then seen below
            while run.made:
                yield run.made.popleft()
            self._check()
            if not done:
                return
            self._runs.popleft()

    def _work(self) -> None:
        try:
            for run in self._untaken:
                self._work_on(run)
        except Aborted:
            pass
        except BaseException as error:
            self._error = self._error or error
            self.abort()

    def _work_on(self, run: _Run) -> None:
        stage = self._make()
        try:
            for item in run.items:
                run.made.extend(stage.feed(item))
                self._room.get()
            run.made.extend(stage.finish())
        finally:
            stage.close()
        run.done.set()

    def _check(self) -> None:
        """Raise what ended the workers before their time."""
        if self._error is not None:
            raise self._error
        if self._aborted:
            raise Aborted

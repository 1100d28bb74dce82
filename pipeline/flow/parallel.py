"""A stage that distributes runs of consecutive items among worker threads and keeps their order.

    items ──▶ run 3 ──▶ worker ──▶ results ─┐
              run 2 ──▶ worker ──▶ results ─┼──▶ the results of run 1, then of run 2, then of run 3
              run 1 ──▶ worker ──▶ results ─┘

Who does what:
- The thread that feeds the stage cuts the items into runs, and yields the results of the oldest runs as they come.
- Each worker takes the oldest run that no worker has, and feeds it to a stage that was created for this run.
- At most `capacity` items wait or are at work; the feeding thread waits for room. Results are not bounded.
- Items that are not of the class `kind` are passed along between the results of the run that was open when they came.
- The first error of a worker ends all workers and is raised in the feeding thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.flow.stage import Stage

Work = TypeVar("Work")
Result = TypeVar("Result")
Other = TypeVar("Other")


@dataclass
class _Run(Generic[Work, Result, Other]):
    """Consecutive items for one worker, with their results.

    Attributes:
        items: The items that wait for the worker.
        results: What the worker's stage yielded, and the items that are passed along.
        count: The number of items so far.
        done: Set when no more results will follow.
    """

    items: Channel[Work]
    results: deque[Result | Other] = field(default_factory=deque)
    count: int = 0
    done: threading.Event = field(default_factory=threading.Event)


class ParallelStage(Stage[Work | Other, Result | Other], Generic[Work, Result, Other]):
    """Feeds runs of items to stages of their own, in several threads.

    Args:
        make: Creates the stage for a run; called by a worker thread.
        kind: The class of the items to work on; all others are passed along.
        workers: The largest number of threads.
        length: The number of items in a run.
        capacity: The largest number of items that wait or are at work.
    """

    def __init__(
        self, make: Callable[[], Stage[Work, Result]], kind: type[Work], workers: int, length: int, capacity: int
    ) -> None:
        self._make = make
        self._kind = kind
        self._workers = workers
        self._length = length
        self._room: Channel[bool] = Channel(capacity)
        self._untaken: Channel[_Run[Work, Result, Other]] = Channel(1, weight=lambda run: 0)
        self._runs: deque[_Run[Work, Result, Other]] = deque()
        self._error: BaseException | None = None
        self._aborted = False
        self._threads: list[threading.Thread] = []

    @property
    def waiting(self) -> int:
        """The number of items that no worker has finished."""
        return len(self._room)

    def feed(self, item: Work | Other) -> Iterator[Result | Other]:
        if isinstance(item, self._kind):
            self._distribute(item)
        elif self._runs:
            self._runs[-1].results.append(cast("Other", item))
        else:
            yield cast("Other", item)
        yield from self._ready()

    def finish(self) -> Iterator[Result | Other]:
        if self._runs:
            self._runs[-1].items.close()
        self._untaken.close()
        while self._runs:
            self._runs[0].done.wait()
            yield from self._ready()

    def abort(self) -> None:
        self._aborted = True
        runs = list(self._runs)
        self._room.abort()
        self._untaken.abort()
        for run in runs:
            run.items.abort()
            run.done.set()

    def close(self) -> None:
        self.abort()
        for thread in self._threads:
            thread.join()

    def _distribute(self, item: Work) -> None:
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

    def _open_run(self) -> _Run[Work, Result, Other]:
        """The run that has room for an item; for a new run a worker is started, until there are enough of them."""
        if self._runs and self._runs[-1].count < self._length:
            return self._runs[-1]
        run: _Run[Work, Result, Other] = _Run(Channel(self._length))
        self._runs.append(run)
        self._untaken.put(run)
        if len(self._threads) < self._workers:
            name = f"uprez-parallel-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)  # once it runs: `close` joins it
        return run

    def _ready(self) -> Iterator[Result | Other]:
        """The results of the oldest runs that are there, in order."""
        while self._runs:
            run = self._runs[0]
            done = run.done.is_set()  # read before the results: all of a run that is done are then seen below
            while run.results:
                yield run.results.popleft()
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

    def _work_on(self, run: _Run[Work, Result, Other]) -> None:
        stage = self._make()
        try:
            for item in run.items:
                run.results.extend(stage.feed(item))
                self._room.get()
            run.results.extend(stage.finish())
        finally:
            stage.close()
        run.done.set()

    def _check(self) -> None:
        """Raise the error that ended the workers early, or Aborted."""
        if self._error is not None:
            raise self._error
        if self._aborted:
            raise Aborted

"""Threads that work on tasks in parallel, and yield the results in the order of the tasks.

    tasks ──▶ task 3 ──▶ worker ──▶ results ─┐
              task 2 ──▶ worker ──▶ results ─┼──▶ the results of task 1, then of task 2, then of task 3
              task 1 ──▶ worker ──▶ results ─┘

Who does what:
- One thread, the owner, puts tasks, takes the results of the oldest one as they come, and closes the object.
- Each worker takes the oldest task that no worker has. Workers keep what they need from task to task.
- A limited number of results waits, and what is needed next is made first: a worker uses no room that the tasks before
  its own still need. Where the room is too small for all of them, it may use the less of it, the later its task is in
  the order. The oldest task's worker may always add a result. So no worker waits for ever.
- An error in a task is its last result: it is returned when everything before it has been taken.

A ParallelStage takes items one by one and bounds those that wait for a worker. Here, tasks are complete when they are
put, and the results are bounded, for work whose results are larger than its tasks.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipeline.flow.blocking import Aborted
from pipeline.flow.closing import Closing

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(eq=False)
class _TaskRun(Generic[Task, Result]):
    """A task, the number of results that it has still to yield, and its results that were not taken yet."""

    task: Task
    remaining: int
    results: deque[Result] = field(default_factory=deque)
    error: BaseException | None = None
    done: bool = False


@dataclass(frozen=True)
class ResultBatch(Generic[Result]):
    """Consecutive results of one task.

    Attributes:
        results: The next results of the task, in order; may be empty.
        done: These are its last results.
        error: The error that ended it after these results; None if it succeeded, or is not done.
    """

    results: list[Result]
    done: bool
    error: BaseException | None


class OrderedWorkers(Closing, Generic[Task, Result]):
    """Works on tasks in threads and returns their results in order. Used by one thread, except `abort`.

    Args:
        workers: For each thread, a function that yields the results of a task. Its generator is closed, also when it
            is left early.
        capacity: The largest number of results that wait, one more for the oldest task.
        length: The number of results that a task is expected to yield.
    """

    def __init__(
        self,
        workers: Sequence[Callable[[Task], Generator[Result]]],
        capacity: int,
        length: Callable[[Task], int],
    ) -> None:
        self._workers = workers
        self._capacity = capacity
        self._length = length
        self._runs: deque[_TaskRun[Task, Result]] = deque()  # oldest first, until all their results are taken
        self._untaken: deque[_TaskRun[Task, Result]] = deque()
        self._waiting = 0  # results
        self._aborted = False
        self._lock = threading.Lock()
        self._put, self._filled, self._drained = (threading.Condition(self._lock) for _ in range(3))
        self._threads: list[threading.Thread] = []

    def put(self, task: Task) -> None:
        """Add a task; never waits. A thread is started for it, until there are as many as workers."""
        run: _TaskRun[Task, Result] = _TaskRun(task, self._length(task))
        with self._lock:
            self._runs.append(run)
            self._untaken.append(run)
            self._put.notify()
        if len(self._threads) < len(self._workers):
            number = len(self._threads)
            name = f"uprez-worker-{number}"
            thread = threading.Thread(target=self._run, args=(self._workers[number],), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)  # once it runs: `close` joins it

    def take(self, wait: bool, limit: int | None = None) -> ResultBatch[Result] | None:
        """The results of the oldest task that are there.

        Args:
            wait: Wait until there is one, or the task ends; else return an empty batch.
            limit: The largest number of results; None for all.

        Returns:
            The results; None if there is no task.

        Raises:
            Aborted: After `abort`.
        """
        with self._lock:
            while wait and self._runs and not (self._aborted or self._runs[0].results or self._runs[0].done):
                self._filled.wait()
            if self._aborted:
                raise Aborted
            if not self._runs:
                return None
            run = self._runs[0]
            count = len(run.results) if limit is None else min(limit, len(run.results))
            results = [run.results.popleft() for _ in range(count)]
            is_end = run.done and not run.results
            batch = ResultBatch(results, is_end, run.error if is_end else None)
            self._waiting -= len(batch.results)
            if batch.done:
                self._runs.popleft()
            if batch.done or batch.results:
                self._drained.notify_all()
            return batch

    def abort(self) -> None:
        """End the workers as soon as possible, and raise Aborted in `take`. Called from any thread."""
        with self._lock:
            self._aborted = True
            for condition in (self._put, self._filled, self._drained):
                condition.notify_all()

    def close(self) -> None:
        """End the workers and wait for their threads."""
        self.abort()
        for thread in self._threads:
            thread.join()
        self._runs.clear()

    def _run(self, work: Callable[[Task], Generator[Result]]) -> None:
        while (run := self._next_run()) is not None:
            error: BaseException | None = None
            try:
                with closing(work(run.task)) as results:
                    for result in results:
                        self._add(run, result)
            except Aborted:
                return
            except BaseException as raised:
                error = raised
            with self._lock:
                run.error, run.done, run.remaining = error, True, 0
                self._filled.notify()
                self._drained.notify_all()  # its room is free, if it yielded fewer results than expected

    def _next_run(self) -> _TaskRun[Task, Result] | None:
        """Wait for a task; None after `abort`."""
        with self._lock:
            while not (self._untaken or self._aborted):
                self._put.wait()
            return None if self._aborted else self._untaken.popleft()

    def _add(self, run: _TaskRun[Task, Result], result: Result) -> None:
        with self._lock:
            while not (self._aborted or self._has_room(run)):
                self._drained.wait()
            if self._aborted:
                raise Aborted
            run.results.append(result)
            run.remaining = max(0, run.remaining - 1)
            self._waiting += 1
            if run is self._runs[0]:
                self._filled.notify()

    def _has_room(self, run: _TaskRun[Task, Result]) -> bool:
        position = self._runs.index(run)
        if position == 0 and not run.results:
            return True
        reserved = sum(earlier.remaining for earlier in itertools.islice(self._runs, position))
        share = 1 - position / (len(self._workers) + 1)
        return self._waiting < max(self._capacity - reserved, self._capacity * share)

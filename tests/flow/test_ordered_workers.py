"""OrderedWorkers returns the results of tasks in their order, and holds a bounded number of them."""

import threading
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.blocking import Aborted
from pipeline.flow.ordered_workers import OrderedWorkers
from tests import waiting

Result = TypeVar("Result")


def count_up(task: int) -> Generator[tuple[int, int]]:
    yield from ((task, result) for result in range(task))


def worker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("uprez-worker")]


def drain(workers: OrderedWorkers[int, Result], limit: int | None = None) -> list[Result]:
    taken: list[Result] = []
    while (batch := workers.take(wait=True, limit=limit)) is not None:
        assert limit is None or len(batch.results) <= limit
        taken += batch.results
        assert batch.error is None
    return taken


@given(st.lists(st.integers(0, 12), max_size=20), st.integers(1, 4), st.integers(1, 30), st.none() | st.integers(1, 5))
def test_results_come_in_the_order_of_the_tasks(
    tasks: list[int], threads: int, capacity: int, limit: int | None
) -> None:
    with OrderedWorkers([count_up] * threads, capacity, length=int) as workers:
        for task in tasks:
            workers.put(task)
        assert drain(workers, limit) == [(task, result) for task in tasks for result in range(task)]
        assert workers.take(wait=False) is None


def test_without_waiting_an_empty_batch_is_returned() -> None:
    go_on = threading.Event()

    def wait(task: int) -> Generator[int]:
        go_on.wait(waiting.DEADLINE)
        yield task

    with OrderedWorkers([wait], 1, length=int) as workers:
        assert workers.take(wait=False) is None
        workers.put(7)
        batch = workers.take(wait=False)
        assert batch is not None
        assert (batch.results, batch.done) == ([], False)
        go_on.set()
        assert drain(workers) == [7]


def test_workers_ahead_wait_for_room() -> None:
    made = [0, 0]

    def endless(task: int) -> Generator[int]:
        while True:
            made[task] += 1
            yield made[task]

    with OrderedWorkers([endless] * 2, capacity=6, length=lambda task: 1000) as workers:
        workers.put(0)
        workers.put(1)
        waiting.until(lambda: all(waiting.blocked_in(thread, "_add") for thread in worker_threads()))
        assert made[1] <= 5  # two thirds of the room, and the one that waits
        assert sum(made) <= 6 + 2
        before = made[0]
        batch = workers.take(wait=True)
        assert batch is not None
        waiting.until(lambda: made[0] > before)


def test_workers_ahead_use_all_room_that_earlier_tasks_do_not_need() -> None:
    begin, done = threading.Event(), list[int]()

    def first_waits(task: int) -> Generator[int]:
        if task == 2:
            begin.wait(waiting.DEADLINE)
        yield from range(task)
        done.append(task)

    with OrderedWorkers([first_waits] * 2, capacity=10, length=int) as workers:
        workers.put(2)
        workers.put(8)
        waiting.until(lambda: done == [8])  # its 8 results fit beside the 2 that are reserved
        begin.set()
        assert len(drain(workers)) == 10


@given(st.lists(st.integers(0, 9), max_size=12), st.lists(st.integers(0, 12), max_size=12), st.integers(1, 20))
def test_a_wrong_length_costs_only_time(tasks: list[int], lengths: list[int], capacity: int) -> None:
    expected = dict(enumerate(lengths))
    with OrderedWorkers([count_up] * 3, capacity, length=lambda task: expected.get(task, 0)) as workers:
        for task in tasks:
            workers.put(task)
        assert len(drain(workers)) == sum(tasks)


def test_oldest_task_always_gets_on() -> None:
    """The later task is allowed no room at all."""
    with OrderedWorkers([count_up] * 2, capacity=1, length=int) as workers:
        for task in (50, 60, 70):
            workers.put(task)
        assert len(drain(workers)) == 180


def test_error_comes_after_the_results_before_it() -> None:
    def fail(task: int) -> Generator[int]:
        yield task
        if task:
            raise ValueError("broken")

    with OrderedWorkers([fail] * 2, 10, length=int) as workers:
        for task in (0, 1):
            workers.put(task)
        batches = []
        while (batch := workers.take(wait=True)) is not None:
            batches.append(batch)
    assert [result for batch in batches for result in batch.results] == [0, 1]
    assert [type(batch.error) for batch in batches if batch.done] == [type(None), ValueError]


def test_abort_ends_the_workers_and_the_owner_that_wait() -> None:
    release, closed = threading.Event(), list[int]()

    def first_hangs(task: int) -> Generator[int]:
        try:
            if task == 0:
                release.wait(waiting.DEADLINE)
            while task == 1:
                yield 0
        finally:
            closed.append(task)

    workers = OrderedWorkers([first_hangs] * 2, 4, length=int)
    workers.put(0)
    workers.put(1)
    thread, outcome = waiting.in_thread(lambda: workers.take(wait=True))
    waiting.until(lambda: waiting.blocked_in(thread, "take"))
    waiting.until(lambda: any(waiting.blocked_in(each, "_add") for each in worker_threads()))
    workers.abort()
    waiting.joined(thread)
    assert outcome == [Aborted]
    with pytest.raises(Aborted):
        workers.take(wait=False)
    waiting.until(lambda: closed == [1])
    release.set()
    workers.close()
    assert closed == [1, 0]
    assert worker_threads() == []


def test_close_joins_the_workers_that_run_if_another_one_can_not_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = OrderedWorkers([count_up] * 2, 4, length=int)
    workers.put(3)
    monkeypatch.setattr(threading.Thread, "start", exhausted)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        workers.put(3)
    workers.close()
    assert worker_threads() == []

"""A parallel stage: results keep the order of the items, and errors end all workers."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Cancelled
from pipeline.flow.blocking import Aborted
from pipeline.flow.parallel import ParallelStage
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Stage
from tests.fakes.stages import Boom, Pass, Stuck
from tests.waiting import DEADLINE, blocked_in, joined, until


class Summed(Stage[int, int | str]):
    """Yields each number of its run, and at the end their sum as text."""

    def __init__(self) -> None:
        self._sum = 0

    def feed(self, item: int) -> Iterator[int]:
        self._sum += item
        yield item

    def finish(self) -> Iterator[str]:
        yield f"sum {self._sum}"


def through(parallel: ParallelStage[Any, Any, Any], items: list[Any]) -> list[Any]:
    try:
        return [result for item in items for result in parallel.feed(item)] + list(parallel.finish())
    finally:
        parallel.close()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 40), st.integers(1, 5), st.integers(1, 9), st.integers(1, 12))
def test_results_leave_in_the_order_of_the_items(count: int, workers: int, length: int, capacity: int) -> None:
    parallel: ParallelStage[Any, Any, Any] = ParallelStage(Pass, int, workers, length, capacity)
    assert through(parallel, list(range(count))) == list(range(count))


def test_each_run_is_fed_to_a_stage_of_its_own_which_is_finished() -> None:
    assert through(ParallelStage(Summed, int, 2, 3, 6), [1, 2, 3, 4, 5]) == [1, 2, 3, "sum 6", 4, 5, "sum 9"]


def test_other_items_are_passed_along_between_the_runs() -> None:
    results = through(ParallelStage(Summed, int, 2, 2, 4), ["first", 1, 2, "between", 3, "last"])
    assert [item for item in results if not isinstance(item, str) or item.startswith("sum")] == [
        1,
        2,
        "sum 3",
        3,
        "sum 3",
    ]
    assert results[0] == "first"
    assert results.index("between") < results.index(3)
    assert results.index("last") > results.index("sum 3")


def test_runs_are_worked_on_concurrently() -> None:
    together = threading.Barrier(3)

    class Meeting(Pass):
        def feed(self, item: Any) -> Iterator[Any]:
            together.wait(DEADLINE)
            return super().feed(item)

    assert through(ParallelStage(Meeting, int, 3, 1, 3), [1, 2, 3]) == [1, 2, 3]


def test_at_most_capacity_items_are_inside() -> None:
    stuck = Stuck()
    parallel: ParallelStage[Any, Any, Any] = ParallelStage(lambda: stuck, int, 1, 10, 2)
    fed: list[int] = []

    def feed() -> None:
        with contextlib.suppress(Aborted):
            for item in range(5):
                list(parallel.feed(item))
                fed.append(item)

    feeder = threading.Thread(target=feed, name="uprez-test", daemon=True)
    feeder.start()
    until(lambda: blocked_in(feeder, "wait_for_room"))
    assert fed == [0, 1]
    stuck.abort()
    parallel.abort()
    joined(feeder)
    parallel.close()


@pytest.mark.parametrize("at", [0, 2, "finish"])
def test_the_error_of_a_worker_is_raised_in_the_feeding_thread(at: int | str) -> None:
    with pytest.raises(Boom):
        through(ParallelStage(lambda: Pass(fail_at=at), int, 2, 3, 4), list(range(50)))


def test_an_error_while_a_stage_is_created_is_raised_in_the_feeding_thread() -> None:
    def make() -> Stage[Any, Any]:
        raise Boom("no encoder")

    with pytest.raises(Boom, match="no encoder"):
        through(ParallelStage(make, int, 2, 3, 4), list(range(50)))


def test_a_pipeline_ends_with_the_error_of_a_worker() -> None:
    pipeline = Pipeline(range(100), {"in": Pass(), "parallel": ParallelStage(lambda: Pass(fail_at=2), int, 2, 4, 8)}, 4)
    pipeline.start()
    with pytest.raises(Boom):
        pipeline.wait()


def test_a_pipeline_that_is_aborted_leaves_no_worker() -> None:
    stuck = Stuck()
    pipeline = Pipeline(iter(range(100)), {"in": Pass(), "parallel": ParallelStage(lambda: stuck, int, 2, 4, 8)}, 4)
    pipeline.start()
    assert stuck.reached.wait(DEADLINE)
    pipeline.abort()
    stuck.abort()
    with pytest.raises(Cancelled):
        pipeline.wait()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez-parallel")]


def test_every_stage_is_closed_also_after_an_error() -> None:
    closed: list[int] = []

    class CountsCloses(Pass):
        def close(self) -> None:
            closed.append(1)

    through(ParallelStage(CountsCloses, int, 2, 2, 4), [1, 2, 3, 4])
    assert len(closed) == 2
    with pytest.raises(Boom):
        through(ParallelStage(lambda: CountsCloses(fail_at=0), int, 1, 2, 4), [1, 2])
    assert len(closed) == 3


def test_results_are_available_before_their_run_is_complete() -> None:
    parallel: ParallelStage[Any, Any, Any] = ParallelStage(Pass, int, 1, 10, 10)
    seen = list(parallel.feed(1))
    end = time.monotonic() + DEADLINE
    while 1 not in seen and time.monotonic() < end:
        seen += parallel.feed("nothing")
    parallel.close()
    assert 1 in seen


def test_a_worker_that_can_not_be_started_is_an_error_that_leaves_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = set(threading.enumerate())
    parallel: ParallelStage[Any, Any, Any] = ParallelStage(Pass, int, 2, 2, 4)
    monkeypatch.setattr(threading.Thread, "start", exhausted)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        through(parallel, [1, 2, 3])
    assert set(threading.enumerate()) <= before

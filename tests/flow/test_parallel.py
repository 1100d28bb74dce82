"""Sharing work out by runs, and how it ends."""

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


class Summed(Stage[Any, Any]):
    """Gives each number of its run, and at the end their sum as text."""

    def __init__(self) -> None:
        self._sum = 0

    def feed(self, item: int) -> Iterator[int]:
        self._sum += item
        yield item

    def finish(self) -> Iterator[str]:
        yield f"sum {self._sum}"


def through(fan: ParallelStage, items: list[Any]) -> list[Any]:
    try:
        return [made for item in items for made in fan.feed(item)] + list(fan.finish())
    finally:
        fan.close()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 40), st.integers(1, 5), st.integers(1, 9), st.integers(1, 12))
def test_results_leave_in_the_order_of_the_items(count: int, workers: int, length: int, capacity: int) -> None:
    fan = ParallelStage(Pass, int, workers, length, capacity)
    assert through(fan, list(range(count))) == list(range(count))


def test_each_run_has_a_stage_of_its_own_that_is_finished() -> None:
    assert through(ParallelStage(Summed, int, 2, 3, 6), [1, 2, 3, 4, 5]) == [1, 2, 3, "sum 6", 4, 5, "sum 9"]


def test_what_is_no_work_travels_along_between_the_runs() -> None:
    made = through(ParallelStage(Summed, int, 2, 2, 4), ["first", 1, 2, "between", 3, "last"])
    assert [item for item in made if not isinstance(item, str) or item.startswith("sum")] == [1, 2, "sum 3", 3, "sum 3"]
    assert made[0] == "first"
    assert made.index("between") < made.index(3)
    assert made.index("last") > made.index("sum 3")


def test_runs_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(3)

    class Meeting(Pass):
        def feed(self, item: Any) -> Iterator[Any]:
            together.wait(10)
            return super().feed(item)

    assert through(ParallelStage(Meeting, int, 3, 1, 3), [1, 2, 3]) == [1, 2, 3]


def test_no_more_items_are_inside_than_it_holds() -> None:
    stuck = Stuck()
    fan = ParallelStage(lambda: stuck, int, 1, 10, 2)
    fed: list[int] = []

    def feed() -> None:
        with contextlib.suppress(Aborted):
            for item in range(5):
                list(fan.feed(item))
                fed.append(item)

    feeder = threading.Thread(target=feed, name="uprez-test")
    feeder.start()
    stuck.reached.wait(5)
    feeder.join(0.3)
    assert fed == [0, 1]
    stuck.abort()
    fan.abort()
    feeder.join(5)
    fan.close()


@pytest.mark.parametrize("at", [0, 2, "finish"])
def test_the_error_of_a_worker_is_raised_where_the_fan_is_fed(at: int | str) -> None:
    with pytest.raises(Boom):
        through(ParallelStage(lambda: Pass(fail_at=at), int, 2, 3, 4), list(range(50)))


def test_a_stage_that_can_not_be_made_is_an_error_too() -> None:
    def make() -> Stage[Any, Any]:
        raise Boom("no encoder")

    with pytest.raises(Boom, match="no encoder"):
        through(ParallelStage(make, int, 2, 3, 4), list(range(50)))


def test_a_line_ends_with_the_error_of_a_worker() -> None:
    line = Pipeline(range(100), {"in": Pass(), "fan": ParallelStage(lambda: Pass(fail_at=2), int, 2, 4, 8)}, 4)
    line.start()
    with pytest.raises(Boom):
        line.wait()


def test_a_line_that_is_aborted_leaves_no_worker() -> None:
    stuck = Stuck()
    line = Pipeline(iter(range(100)), {"in": Pass(), "fan": ParallelStage(lambda: stuck, int, 2, 4, 8)}, 4)
    line.start()
    stuck.reached.wait(5)
    line.abort()
    stuck.abort()
    with pytest.raises(Cancelled):
        line.wait()


def test_every_stage_made_is_closed_however_it_ends() -> None:
    closed: list[int] = []

    class Closing(Pass):
        def close(self) -> None:
            closed.append(1)

    through(ParallelStage(Closing, int, 2, 2, 4), [1, 2, 3, 4])
    assert len(closed) == 2
    with pytest.raises(Boom):
        through(ParallelStage(lambda: Closing(fail_at=0), int, 1, 2, 4), [1, 2])
    assert len(closed) == 3


def test_results_come_while_the_run_goes_on() -> None:
    fan = ParallelStage(Pass, int, 1, 10, 10)
    seen = list(fan.feed(1))
    deadline = time.monotonic() + 10
    while 1 not in seen and time.monotonic() < deadline:
        seen += fan.feed("nothing")
    fan.close()
    assert 1 in seen

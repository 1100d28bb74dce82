"""A line of threads: everything in order, the first error wins, nothing hangs, no thread is left."""

import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.errors import Cancelled
from pipeline.flow.pipeline import Pipeline
from tests.fakes.stages import Boom, Pass, Stuck

ITEMS = 20
NAMES = ("first", "middle", "last")


def run(line: Pipeline) -> None:
    line.start()
    line.wait()


def test_all_items_reach_the_end_in_order_and_all_stages_finish() -> None:
    stages = {name: Pass() for name in NAMES}
    run(Pipeline(range(ITEMS), stages, capacity=2))
    assert all(stage.taken == list(range(ITEMS)) and stage.finished for stage in stages.values())


def test_a_source_without_items_ends_well() -> None:
    stages = {name: Pass() for name in NAMES}
    run(Pipeline((), stages, capacity=2))
    assert all(stage.finished for stage in stages.values())


@pytest.mark.parametrize("failing", NAMES)
@pytest.mark.parametrize("fail_at", [0, ITEMS // 2, ITEMS - 1, "finish"], ids=["first", "middle", "last", "finish"])
@pytest.mark.parametrize("capacity", [1, 50])
def test_whichever_stage_fails_wherever_its_error_is_raised_and_nothing_hangs(
    failing: str, fail_at: int | str, capacity: int
) -> None:
    stages = {name: Pass(fail_at if name == failing else None) for name in NAMES}
    with pytest.raises(Boom) as caught:
        run(Pipeline(range(ITEMS), stages, capacity))
    assert "tests/fakes/stages.py" in str(caught.traceback[-1].path)


@pytest.mark.parametrize("after", [0, 1, ITEMS])
def test_a_source_that_fails_is_told_of(after: int) -> None:
    def source() -> Iterator[int]:
        yield from range(after)
        raise Boom("source")

    with pytest.raises(Boom, match="source"):
        run(Pipeline(source(), {name: Pass() for name in NAMES}, capacity=2))


def test_the_first_error_wins() -> None:
    class FailsOnAbort(Pass):
        def feed(self, item: int) -> Iterator[int]:
            time.sleep(0.05)
            raise RuntimeError("second")

    stages = {"first": FailsOnAbort(), "last": Pass()}
    line = Pipeline(range(ITEMS), stages, capacity=1)
    line.start()
    line._fail(Boom("first"))
    with pytest.raises(Boom, match="first"):
        line.wait()


def test_an_error_wakes_a_stage_that_waits_for_something_else() -> None:
    stuck = Stuck()
    line = Pipeline(range(ITEMS), {"stuck": stuck, "last": Pass()}, capacity=1)
    line.start()
    assert stuck.reached.wait(5)
    line.abort()
    with pytest.raises(Cancelled):
        line.wait()


def test_stop_drains_the_line() -> None:
    endless = iter(int, 1)
    stages = {name: Pass() for name in NAMES}
    line = Pipeline(endless, stages, capacity=3)
    line.start()
    while not stages["last"].taken:
        time.sleep(0.001)
    line.stop()
    line.wait()
    counts = {len(stage.taken) for stage in stages.values()}
    assert len(counts) == 1
    assert all(stage.finished for stage in stages.values())


@pytest.mark.parametrize("way", ["stop", "abort", "an error"])
def test_a_source_that_waits_for_ever_is_woken(way: str) -> None:
    given, ended = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 0
        given.set()
        ended.wait()

    stages = {"first": Pass(), "last": Pass(0 if way == "an error" else None)}
    line = Pipeline(source(), stages, capacity=2, end=ended.set)
    line.start()
    given.wait()
    if way == "stop":
        line.stop()
        line.wait()
        assert (stages["last"].taken, line.was_cut) == ([0], True)
        return
    if way == "abort":
        line.abort()
    with pytest.raises(Boom if way == "an error" else Cancelled):
        line.wait()


def test_an_error_from_tick_ends_the_line_and_is_raised() -> None:
    def tick() -> None:
        raise KeyboardInterrupt

    line = Pipeline(iter(int, 1), {"only": Pass()}, capacity=1)
    line.start()
    with pytest.raises(KeyboardInterrupt):
        line.wait(tick)
    assert not [t for t in threading.enumerate() if t.name.startswith("uprez-")]


def test_meters_tell_who_is_the_wall() -> None:
    class Slow(Pass):
        def feed(self, item: int) -> Iterator[int]:
            time.sleep(0.005)
            yield from super().feed(item)

    line = Pipeline(range(30), {"fast": Pass(), "slow": Slow(), "after": Pass()}, capacity=2)
    run(line)
    fast, slow, after = line.meters
    assert slow.busy > slow.starved + slow.blocked
    assert fast.blocked > fast.busy
    assert after.starved > after.busy

"""A pipeline of threads: the order is kept, the first error wins, nothing hangs, no thread is left."""

import itertools
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from pipeline.errors import Cancelled
from pipeline.flow.pipeline import Pipeline
from tests.fakes.stages import Boom, Pass, Stuck
from tests.waiting import DEADLINE, blocked_in, until

ITEMS = 20
NAMES = ("first", "middle", "last")


def run(pipeline: Pipeline) -> None:
    pipeline.start()
    pipeline.wait()


def test_all_items_reach_the_end_in_order_and_all_stages_finish() -> None:
    stages = {name: Pass() for name in NAMES}
    run(Pipeline(range(ITEMS), stages, capacity=2))
    assert all(stage.taken == list(range(ITEMS)) and stage.finished for stage in stages.values())


def test_a_source_without_items_finishes_all_stages() -> None:
    stages = {name: Pass() for name in NAMES}
    run(Pipeline((), stages, capacity=2))
    assert all(stage.finished for stage in stages.values())


@pytest.mark.parametrize("failing", NAMES)
@pytest.mark.parametrize("fail_at", [0, ITEMS // 2, ITEMS - 1, "finish"], ids=["first", "middle", "last", "finish"])
@pytest.mark.parametrize("capacity", [1, 50])
def test_the_error_of_any_stage_at_any_item_is_raised_and_nothing_hangs(
    failing: str, fail_at: int | str, capacity: int
) -> None:
    stages = {name: Pass(fail_at if name == failing else None) for name in NAMES}
    with pytest.raises(Boom) as caught:
        run(Pipeline(range(ITEMS), stages, capacity))
    assert "tests/fakes/stages.py" in str(caught.traceback[-1].path)


@pytest.mark.parametrize("after", [0, 1, ITEMS])
def test_the_error_of_a_source_is_raised(after: int) -> None:
    def source() -> Iterator[int]:
        yield from range(after)
        raise Boom("source")

    with pytest.raises(Boom, match="source"):
        run(Pipeline(source(), {name: Pass() for name in NAMES}, capacity=2))


def test_the_first_error_wins() -> None:
    class FailsWhenAborted(Stuck):
        def feed(self, item: int) -> Iterator[int]:
            yield from super().feed(item)
            raise RuntimeError("second")

    class FailsWhenReached(Pass):
        def feed(self, item: int) -> Iterator[int]:
            if item:
                assert last.reached.wait(DEADLINE)
            return super().feed(item)

    last = FailsWhenAborted()
    with pytest.raises(Boom):
        run(Pipeline(range(ITEMS), {"first": FailsWhenReached(fail_at=1), "last": last}, capacity=1))


def test_an_error_wakes_a_stage_that_waits_for_something_else() -> None:
    stuck = Stuck()
    pipeline = Pipeline(range(ITEMS), {"stuck": stuck, "last": Pass()}, capacity=1)
    pipeline.start()
    assert stuck.reached.wait(DEADLINE)
    pipeline.abort()
    with pytest.raises(Cancelled):
        pipeline.wait()


def test_stop_drains_the_pipeline() -> None:
    endless = iter(int, 1)
    stages = {name: Pass() for name in NAMES}
    pipeline = Pipeline(endless, stages, capacity=3)
    pipeline.start()
    until(lambda: bool(stages["last"].taken))
    pipeline.stop()
    pipeline.wait()
    counts = {len(stage.taken) for stage in stages.values()}
    assert len(counts) == 1
    assert all(stage.finished for stage in stages.values())


@pytest.mark.parametrize("way", ["stop", "abort", "an error"])
def test_a_source_that_waits_is_woken(way: str) -> None:
    reached, ended = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 0
        reached.set()
        ended.wait(DEADLINE)

    stages = {"first": Pass(), "last": Pass(0 if way == "an error" else None)}
    pipeline = Pipeline(source(), stages, capacity=2, end=ended.set)
    pipeline.start()
    assert reached.wait(DEADLINE)
    if way == "stop":
        pipeline.stop()
        pipeline.wait()
        assert (stages["last"].taken, pipeline.was_cut) == ([0], True)
        return
    if way == "abort":
        pipeline.abort()
    with pytest.raises(Boom if way == "an error" else Cancelled):
        pipeline.wait()


def test_an_error_from_tick_aborts_the_pipeline_and_is_raised() -> None:
    def tick() -> None:
        raise KeyboardInterrupt

    pipeline = Pipeline(iter(int, 1), {"only": Pass()}, capacity=1)
    pipeline.start()
    with pytest.raises(KeyboardInterrupt):
        pipeline.wait(tick)
    assert not [t for t in threading.enumerate() if t.name.startswith("uprez-")]


def test_meters_show_which_stage_is_the_bottleneck(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: 0.0)
    monkeypatch.setattr("pipeline.flow.pipeline.time", clock)

    def running(name: str) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == name]

    class Slow(Pass):
        """Takes a second for each item, which passes once both neighbours wait."""

        def feed(self, item: int) -> Iterator[int]:
            until(lambda: all(blocked_in(thread, "wait") for thread in running("uprez-fast")))
            until(lambda: any(blocked_in(thread, "wait") for thread in running("uprez-after")))
            now[0] += 1
            yield from super().feed(item)

    pipeline = Pipeline(range(30), {"fast": Pass(), "slow": Slow(), "after": Pass()}, capacity=2)
    run(pipeline)
    fast, slow, after = pipeline.meters
    assert slow.busy > slow.starved + slow.blocked
    assert fast.blocked > fast.busy
    assert after.starved > after.busy


@pytest.mark.parametrize("case", ["source", "stage", "stop"])
def test_generators_are_closed_by_their_threads_before_wait_returns(case: str) -> None:
    closed: list[tuple[str, str]] = []

    def recorded(name: str) -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.append((name, threading.current_thread().name))

    class Endless(Pass):
        def feed(self, item: int) -> Iterator[int]:
            return recorded("stage") if case == "stage" else super().feed(item)

    pipeline = Pipeline(recorded("source"), {"first": Endless(), "last": Pass(3 if case != "stop" else None)}, 2)
    pipeline.start()
    if case == "stop":
        pipeline.stop()
        pipeline.wait()
    else:
        with pytest.raises(Boom) as caught:
            pipeline.wait()
        del caught
    names = ["stage", "source"] if case == "stage" else ["source"]
    assert closed == [(name, "uprez-first") for name in names]


def test_a_thread_that_can_not_be_started_ends_those_that_run_and_closes_all_stages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Closes(Pass):
        closed = False

        def close(self) -> None:
            self.closed = True

    stages = {name: Closes() for name in NAMES}
    start, started = threading.Thread.start, itertools.count(1)

    def start_two(thread: threading.Thread) -> None:
        if next(started) > 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    before = set(threading.enumerate())
    pipeline = Pipeline(itertools.count(), stages, capacity=2)
    monkeypatch.setattr(threading.Thread, "start", start_two)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        pipeline.start()
    assert set(threading.enumerate()) <= before
    assert all(stage.closed for stage in stages.values())

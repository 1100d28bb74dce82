"""Runs stages in threads, with a bounded channel between neighbours.

    source ──▶ [stage 1] ──channel──▶ [stage 2] ──channel──▶ ... ──▶ [stage n]

Who does what:
- The first thread iterates over the source and feeds stage 1; every other thread takes from the channel on its left.
  What a stage yields goes into the channel on its right; what the last stage yields is discarded.
- A thread that waits for an item is woken for the first one. A thread that waits for room is woken when half of the
  channel is empty, and then fills it: one switch of threads for several items. No item waits for that, as the ones
  before it are still in the channel.
- A thread whose input ends finishes its stage, then closes the channel on its right; so the end travels to the right.
- The first error wins. It aborts all channels and stages, so that every thread ends, and is raised by `wait` with its
  own traceback once all threads have been joined. Errors that follow from the abort are ignored.
- Each thread closes its stage last, also after an error. Generators, of the source and of stages, are closed by the
  thread that iterates over them, not when they are collected.
- `stop` ends the source after its current item and stops the stages; what is under way is finished. `was_cut` reports
  afterwards whether the source had more items. `abort` discards what is under way, and `wait` raises Cancelled. A
  source that may wait for ever is woken by `end` in all these cases, and after errors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import GeneratorType
from typing import Any

from pipeline.errors import Cancelled
from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.flow.stage import Stage
from pipeline.flow.telemetry import Meter, Trace

_WAKE_SECONDS = 0.1


class Pipeline:
    """Runs `stages` in threads over the items of `source`. Their types are not checked against each other.

    Args:
        source: The items for the first stage; iterated by the first thread.
        stages: The stages by name, in order. Threads and meters are called after them.
        capacity: The total weight of the items in each channel between two stages.
        weight: The weight of an item, 1 by default.
        trace: Where spans of the stages' work are recorded.
        end: Wakes a source that waits and makes it yield nothing more. Called from any thread.

    Attributes:
        meters: The time of each stage, in order.
        was_cut: True if `stop` ended the source before its end.
    """

    def __init__(
        self,
        source: Iterable[Any],
        stages: Mapping[str, Stage[Any, Any]],
        capacity: int,
        weight: Callable[[Any], int] = lambda item: 1,
        trace: Trace | None = None,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._source = source
        self._end = end
        self._stages = list(stages.values())
        self._channels: list[Channel[Any]] = [Channel(capacity, weight, in_batches=True) for _ in self._stages[1:]]
        self.meters = [Meter(name, trace=trace) for name in stages]
        self.was_cut = False
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._failing = threading.Lock()
        self._threads = [
            threading.Thread(target=self._guarded, args=(index,), name=f"uprez-{name}", daemon=True)
            for index, name in enumerate(stages)
        ]

    def start(self) -> None:
        """Start the threads. If that fails half-way, those that run are ended, and all stages are closed."""
        try:
            for thread in self._threads:
                thread.start()
        except BaseException as error:
            self._fail(error)
            for index, thread in enumerate(self._threads):
                self._attempt(thread.join if thread.ident else self._stages[index].close)
            raise

    def stop(self) -> None:
        """Take nothing more from the source and let the stages finish what is under way."""
        self._end_source()
        for stage in self._stages:
            stage.stop()

    def abort(self) -> None:
        """Discard what is under way. `wait` will raise Cancelled, unless an error came first."""
        self._fail(Cancelled("aborted"))

    def wait(self, tick: Callable[[], None] | None = None) -> None:
        """Wait for all threads, then raise the first error.

        Args:
            tick: Called about ten times a second. An exception from it, or from a signal handler, aborts the pipeline
                and is raised when all threads have ended.
        """
        try:
            for thread in self._threads:
                while thread.is_alive():
                    thread.join(_WAKE_SECONDS)
                    if tick:
                        tick()
        except BaseException as error:
            self._fail(error)
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def _guarded(self, index: int) -> None:
        self._attempt(partial(self._run, index))
        self._attempt(self._stages[index].close)

    def _attempt(self, step: Callable[[], None]) -> None:
        """Execute a step of a stage; an error of it ends the pipeline."""
        try:
            step()
        except Aborted:
            pass
        except BaseException as error:
            self._fail(error)

    def _run(self, index: int) -> None:
        right = self._channels[index] if index < len(self._channels) else None
        worker = _Worker(self._stages[index], self.meters[index], right)
        items = iter(self._channels[index - 1]) if index else self._from_source()
        try:
            worker.feed_all(items, waits=index > 0)
        finally:
            _close(items)
        worker.finish()
        if right is not None:
            right.close()

    def _from_source(self) -> Iterator[Any]:
        items = iter(self._source)
        try:
            for item in items:
                if self._stopping.is_set():
                    self.was_cut = True
                    return
                yield item
        finally:
            _close(items)
        self.was_cut = self._stopping.is_set() and self._end is not None

    def _end_source(self) -> None:
        self._stopping.set()
        if self._end:
            self._end()

    def _fail(self, error: BaseException) -> None:
        with self._failing:
            if self._error is not None:
                return
            self._error = error
        self._end_source()
        for channel in self._channels:
            channel.abort()
        for stage in self._stages:
            stage.abort()


class _Worker:
    """The loop of one thread: feeds a stage, puts what it yields into the channel on its right, and takes the time."""

    def __init__(self, stage: Stage[Any, Any], meter: Meter, right: Channel[Any] | None) -> None:
        self._stage, self._meter, self._right = stage, meter, right
        self._mark = time.perf_counter()  # the time until then is in the meter

    def feed_all(self, items: Iterator[Any], waits: bool) -> None:
        """Feed all items.

        Args:
            items: The items.
            waits: The time that it takes to get them is spent waiting, not at work.
        """
        feed, meter, clock = self._stage.feed, self._meter, time.perf_counter
        for item in items:
            if waits:
                now = clock()
                meter.starved += now - self._mark
                self._mark = now
            self._emit(feed(item))

    def finish(self) -> None:
        """Let the stage finish, after the last item."""
        self._emit(self._stage.finish())
        self._meter.cpu = time.thread_time()

    def _emit(self, items: Iterator[Any]) -> None:
        meter, right, clock = self._meter, self._right, time.perf_counter
        try:
            for item in items:
                if right is not None:
                    now = clock()
                    meter.work(self._mark, now)
                    right.put(item)
                    self._mark = clock()
                    meter.blocked += self._mark - now
        finally:
            _close(items)
        now = clock()
        meter.work(self._mark, now)
        self._mark = now


def _close(items: Iterator[Any]) -> None:
    """Close an iterator if it is a generator, as it may have been left before its end."""
    if isinstance(items, GeneratorType):
        items.close()

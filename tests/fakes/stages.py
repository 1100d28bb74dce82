"""Stages for tests that count their items, fail or wait."""

import threading
from collections.abc import Iterator
from typing import Any

from pipeline.flow.stage import Stage


class Boom(Exception):
    """The error of a stage that fails on purpose."""


class Pass(Stage[Any, Any]):
    """Passes items along; raises Boom at item number `fail_at`, or in `finish` for `fail_at` = "finish"."""

    def __init__(self, fail_at: int | str | None = None) -> None:
        self._fail_at = fail_at
        self.taken: list[Any] = []
        self.finished = False

    def feed(self, item: Any) -> Iterator[Any]:
        if len(self.taken) == self._fail_at:
            raise Boom(f"at item {self._fail_at}")
        self.taken.append(item)
        yield item

    def finish(self) -> Iterator[Any]:
        if self._fail_at == "finish":
            raise Boom("at the end")
        self.finished = True
        yield from ()


class Stuck(Stage[Any, Any]):
    """Waits in `feed` until it is aborted. reached: set when it does."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._released = threading.Event()

    def feed(self, item: Any) -> Iterator[Any]:
        self.reached.set()
        self._released.wait()
        yield item

    def abort(self) -> None:
        self._released.set()

"""Helpers for tests with threads: every wait has a deadline that a slow machine meets."""

import itertools
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil
import pytest

from pipeline.flow.fair_lock import FairLock

DEADLINE = 30.0


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` is true; fail after DEADLINE seconds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"the condition was not met within {DEADLINE:g} s"
        time.sleep(0.001)


def joined(*threads: threading.Thread, deadline: float = DEADLINE) -> None:
    """Wait for the end of all `threads`; fail after `deadline` seconds each."""
    for thread in threads:
        thread.join(deadline)
        assert not thread.is_alive(), f"{thread.name} did not end within {deadline:g} s"


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start `work` in a thread; its return value, or the type of its exception, is put into the list."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(type(error))

    thread = threading.Thread(target=run, name="uprez-test", daemon=True)
    thread.start()
    return thread, outcome


def all_at_once(works: Sequence[Callable[[], object]], deadline: float = DEADLINE) -> None:
    """Run all `works`, each in a thread; fail after `deadline` seconds each. Raises the first of their exceptions."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), name="uprez-test", daemon=True) for work in works]
    for thread in threads:
        thread.start()
    joined(*threads, deadline=deadline)
    if errors:
        raise errors[0]


def blocked_in(thread: threading.Thread, function: str) -> bool:
    """True if `thread` is in a call of `function`, by name."""
    frame = sys._current_frames().get(thread.ident or 0)  # documented, despite its underscore
    while frame is not None:
        if frame.f_code.co_name == function:
            return True
        frame = frame.f_back
    return False


def has_ended(process: psutil.Process) -> bool:
    """True if `process` has ended, even if nobody has waited for it yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it has ended between the two calls
        return True


def no_thread_from(monkeypatch: pytest.MonkeyPatch, name: str, number: int = 1) -> None:
    """From the `number`th thread called `name` on, the system can't start any thread called uprez-…."""
    start, matches = threading.Thread.start, itertools.count(1)
    exhausted = threading.Event()

    def start_or_fail(thread: threading.Thread) -> None:
        if thread.name == name and next(matches) == number:
            exhausted.set()
        if exhausted.is_set() and thread.name.startswith("uprez-") and thread.name != "uprez-test":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections: it is reserved, so no other process can listen there."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield int(reserved.getsockname()[1])


def queued(fair_lock: FairLock, **works: Callable[[], None]) -> list[threading.Thread]:
    """Start a thread called uprez-NAME for each of `works`, so that they wait for `fair_lock` in this order."""
    threads = []
    for name, work in works.items():
        waiting = fair_lock.waiting + 1
        threads.append(threading.Thread(target=work, name=f"uprez-{name}", daemon=True))
        threads[-1].start()
        until(lambda waiting=waiting: fair_lock.waiting == waiting)  # type: ignore[misc]
    return threads

"""Waiting for what threads come to: for a condition, with a deadline that a slow machine meets."""

import threading
import time
from collections.abc import Callable

from pipeline.flow.fair_lock import FairLock

DEADLINE = 20.0


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.001)


def queued(fair_lock: FairLock, **works: Callable[[], None]) -> list[threading.Thread]:
    """A thread for each of `works`, called uprez-NAME, which all wait at the fair_lock, in this order."""
    threads = []
    for name, work in works.items():
        waiting = fair_lock.waiting + 1
        threads.append(threading.Thread(target=work, name=f"uprez-{name}", daemon=True))
        threads[-1].start()
        until(lambda waiting=waiting: fair_lock.waiting == waiting)  # type: ignore[misc]
    return threads

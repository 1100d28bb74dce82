"""The scheduling policy of threads, which libraries may change."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

_THREADS_FOLDER = "/proc/self/task"


@contextlib.contextmanager
def scheduling_kept() -> Iterator[None]:
    """Undo changes of the scheduling policy that a library makes inside the block, on Linux.

    At the end, the calling thread has the policy and priority that it had at the beginning, and so have the threads
    that the process started meanwhile. Nothing is set if nothing has changed.

    SVT-AV1 needs this: opened by root, it makes the calling thread and its own threads real-time (SCHED_FIFO, priority
    99), and does not undo it when it is closed. Threads that the caller starts afterwards inherit the policy, and
    together they leave no time to any other process, nor to the thread that handles signals.
    """
    if sys.platform != "linux":
        yield
        return
    before = _threads()
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in {0, *(_threads() - before)}:  # 0 is the calling thread
            with contextlib.suppress(ProcessLookupError):  # it has ended
                if os.sched_getscheduler(thread) != policy or os.sched_getparam(thread) != priority:
                    os.sched_setscheduler(thread, policy, priority)


def _threads() -> set[int]:
    """The native identifiers of this process's threads; an empty set where /proc is not mounted."""
    try:
        return {int(name) for name in os.listdir(_THREADS_FOLDER)}
    except FileNotFoundError:
        return set()

"""How a process that may hang anywhere ends: in order if it can, and in two seconds in any case."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import psutil

_END_SECONDS = 1.6  # of the two that are promised
_SAYING_SECONDS = 0.1
_FORCED = "uprez: shutdown timed out; forced exit"
_DONE = b"\0"  # no signal has this number


class Stoppable(Protocol):
    """What is running."""

    def stop(self) -> None: ...
    def abort(self) -> None: ...


@contextmanager
def graceful_shutdown(running: Stoppable, code: Callable[[], int], seconds: float = _END_SECONDS) -> Iterator[None]:
    """The first Ctrl-C, SIGTERM or SIGHUP stops `running`, another aborts it; what is left after `seconds` is killed.

    code: what the process ends with then. A thread waits for signals, as Python itself would not hear of them while the
    main thread is stuck in a library; once there was one, it watches over all that follows, too. To be used in the main
    thread.
    """
    kinds = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup wishes
        kinds.append(signal.SIGHUP)
    told, heard = socket.socketpair()
    told.setblocking(False)
    is_ending = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(heard, is_ending, running, code, seconds), name="uprez-ending", daemon=True
    )
    watch.start()
    before = [signal.signal(kind, lambda number, frame: None) for kind in kinds]
    fd_before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        if is_ending.is_set():
            for kind in kinds:
                signal.signal(kind, signal.SIG_IGN)  # else one more would end Python's own end with another code
        else:
            signal.set_wakeup_fd(fd_before)
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)
            told.send(_DONE)
            watch.join()
            told.close()
            heard.close()


def _watch(
    heard: socket.socket,
    is_ending: threading.Event,
    running: Stoppable,
    code: Callable[[], int],
    seconds: float,
) -> None:
    if heard.recv(1) == _DONE:
        return
    is_ending.set()
    deadline = time.monotonic() + seconds
    _in_thread(running.stop)
    while (left := deadline - time.monotonic()) > 0:
        heard.settimeout(left)
        with contextlib.suppress(TimeoutError):
            if heard.recv(1) == _DONE:
                return
            _in_thread(running.abort)
    _kill(code())


def _kill(code: int) -> None:
    """End the process at once, and its children before it."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    _in_thread(lambda: print(_FORCED, file=sys.stderr, flush=True)).join(_SAYING_SECONDS)
    os._exit(code)


def _in_thread(call: Callable[[], None]) -> threading.Thread:
    """Begin `call`, which may hang, too."""
    thread = threading.Thread(target=call, name="ending-call", daemon=True)
    thread.start()
    return thread

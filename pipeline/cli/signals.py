"""The signals that ask the process to end, and handlers that turn them into KeyboardInterrupt."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


def ending_signals() -> list[signal.Signals]:
    """The signals that ask the process to end: Ctrl-C, SIGTERM, and SIGHUP unless it is ignored, as under nohup."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals


@contextlib.contextmanager
def handlers_restored() -> Iterator[None]:
    """At the end, the handlers of the ending signals are those of the beginning, but for signals ignored meanwhile.

    After a shutdown they stay ignored: another one must not end the process with another exit code.
    """
    before = {number: signal.getsignal(number) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, handler)


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread, as Ctrl-C does.

    For work that has nothing to finish: its `with` statements remove what it made. To be used in the main thread.
    """
    with handlers_restored():
        for number in ending_signals():
            if number != signal.SIGINT:  # Python's own handler raises it already
                signal.signal(number, _interrupt)
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

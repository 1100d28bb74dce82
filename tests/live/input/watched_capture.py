"""A capture whose events a thread collects, as a decoder would."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Self

import psutil

from pipeline.config.live_settings import StreamSettings
from pipeline.live.input.capture import Capture
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket
from tests.waiting import joined, until


def readers() -> list[psutil.Process]:
    """The children of this process that read sources."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it ends at this moment
            if "pipeline.live.input.demuxer_process" in child.cmdline():
                found.append(child)
    return found


def stream(source: object, **options: Any) -> StreamSettings:
    return StreamSettings(source=str(source), **options)


class WatchedCapture:
    """A capture with all its events. Leaving the `with` ends it.

    Attributes:
        capture: the capture.
        events: all events so far.
        error: what the iteration raised; None if nothing.
    """

    def __init__(self, source: object, **options: Any) -> None:
        self.capture = Capture(stream(source, **options))
        self.events: list[ConnectionOpened | SerializedPacket | ConnectionLost] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="uprez-test", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """End the capture; fail if that takes more than DEADLINE seconds."""
        self.capture.end()
        joined(self._thread)

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def figures(self) -> Any:
        return self.capture.figures

    @property
    def kinds(self) -> list[str]:
        """The types of the events, without repetitions."""
        names = [type(event).__name__ for event in self.events]
        return [name for index, name in enumerate(names) if index == 0 or name != names[index - 1]]

    def packets(self, stream: int = 0) -> list[SerializedPacket]:
        return [event for event in self.events if isinstance(event, SerializedPacket) and event.stream == stream]

    def until_live(self, connects: int = 1) -> None:
        until(lambda: self.figures.connects >= connects)

    def until_fault(self, fault: str, count: int = 1) -> None:
        until(lambda: self.figures.faults[fault] >= count)

    def _watch(self) -> None:
        try:
            for event in self.capture:
                self.events.append(event)
        except Exception as error:
            self.error = error

"""A capture that a thread of its own takes from, as a decoder would."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Self

import psutil

from pipeline.config.live_settings import StreamSettings
from pipeline.live.input.capture import Capture
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SerializedPacket
from tests.waiting import until


def readers() -> list[psutil.Process]:
    """The children that read, of this process."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it ends at this moment
            if "pipeline.live.input.demuxer_process" in child.cmdline():
                found.append(child)
    return found


def stream(source: object, **chosen: Any) -> StreamSettings:
    return StreamSettings(source=str(source), **chosen)


class PageSource:
    """events: all that came, SerializedPackets as they are. error: what the iteration raised. In a `with` it ends with
    that.
    """

    def __init__(self, source: object, **chosen: Any) -> None:
        self.capture = Capture(stream(source, **chosen))
        self.events: list[ConnectionOpened | SerializedPacket | ConnectionLost] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="uprez-watched", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> float:
        """The seconds that it took."""
        began = time.monotonic()
        self.capture.end()
        self._thread.join()
        return time.monotonic() - began

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def figures(self) -> Any:
        return self.capture.figures

    @property
    def kinds(self) -> list[str]:
        """What came, a run of packets as one."""
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

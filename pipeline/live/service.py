"""Live streams, one or many, in one process: they share a GPU and nothing else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import psutil

from pipeline.config.live_settings import LiveSettings
from pipeline.errors import SettingsError, UprezError
from pipeline.live.gpu_stats import gpu_use
from pipeline.live.output.destination import Outlet
from pipeline.live.preview import Tap
from pipeline.live.stats import LiveFigures
from pipeline.live.stream import Stream
from pipeline.superres.sessions import SharedSessions

_TELL_SECONDS = 0.25
_WEIGH_SECONDS = 1.0
_END_SECONDS = 1.2  # from `stop` to the end, before what is left is aborted
_ABORT_SECONDS = 0.3

Tell = Callable[[LiveFigures], None]


class Live:
    """The streams of `settings`. Make it, `run` it once; other threads and signal handlers may `stop` or `abort` it.

    taps: where the pictures of each stream can be seen, by its name.

    Raises what would make a stream fail, as far as can be told before it starts.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._sessions = SharedSessions()
        share = 1 / len(settings.streams)
        self._streams = [Stream(each, self._sessions, share) for each in settings.streams]
        _check_places([outlet for stream in self._streams for outlet in stream.outlets])
        self.taps: dict[str, Tap] = {stream.name: stream.tap for stream in self._streams}
        self._began = time.monotonic()
        self._weight, self._weighed = 0, float("-inf")
        self._stopping, self._aborting = threading.Event(), threading.Event()

    @property
    def failures(self) -> dict[str, UprezError]:
        """Why streams ended by themselves, by their names."""
        return {stream.name: stream.failure for stream in self._streams if stream.failure}

    def run(self, tell: Tell = lambda figures: None) -> None:
        """Run all streams until `stop`, until the time set is over, or until all have failed.

        tell: called four times a second, in this thread, and once at the end.

        Afterwards nothing of them is left; `failures` tells which failed.
        """
        end = time.monotonic() + self._settings.for_ if self._settings.for_ else None
        try:
            for stream in self._streams:
                stream.start()
            while not self._stopping.wait(_TELL_SECONDS) and any(stream.alive for stream in self._streams):
                tell(self.figures())
                if end is not None and time.monotonic() >= end:
                    break
        finally:
            self._end()
        tell(self.figures())

    def stop(self) -> None:
        """End in order, with all that was read written."""
        self._stopping.set()

    def abort(self) -> None:
        """End at once."""
        self._aborting.set()
        self._stopping.set()
        for stream in self._streams:
            stream.abort()

    def figures(self) -> LiveFigures:
        return LiveFigures(
            uptime=time.monotonic() - self._began,
            memory=self._memory(),
            streams=tuple(stream.figures() for stream in self._streams),
            gpus=gpu_use(),
        )

    def _memory(self) -> int:
        """What the process and its children hold; looked at once a second, as that is work."""
        now = time.monotonic()
        if now >= self._weighed + _WEIGH_SECONDS:
            self._weight, self._weighed = _memory(), now
        return self._weight

    def _end(self) -> None:
        for step, seconds in ((Stream.stop, _END_SECONDS), (Stream.abort, _ABORT_SECONDS)):
            if self._aborting.is_set():
                step = Stream.abort
            deadline = time.monotonic() + seconds
            left = [stream for stream in self._streams if stream.alive]
            for stream in left:
                step(stream)
            for stream in left:
                stream.join(max(0.0, deadline - time.monotonic()))
        self._sessions.close()


def _check_places(outlets: list[Outlet]) -> None:
    """Raise SettingsError where several write to one place."""
    there = Counter(outlet.place for outlet in outlets)
    for outlet in outlets:
        if (crowd := there[outlet.place]) > 1:
            raise SettingsError(f"to: {outlet.address}: {crowd} outputs go there; give each a place of its own")


def _memory() -> int:
    """Bytes of main memory that this process and its children hold."""
    total = 0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # it has ended meanwhile
            continue
    return total

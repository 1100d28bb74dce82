"""One or several live streams in one process, which share the GPUs and nothing else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

import psutil

from pipeline.config.live_settings import LiveSettings
from pipeline.errors import SettingsError, UprezError
from pipeline.live.gpu_stats import gpu_use
from pipeline.live.output.destination import OutputTarget
from pipeline.live.preview import Tap
from pipeline.live.stats import LiveFigures
from pipeline.live.stream import Stream
from pipeline.superres.sessions import SharedSessions

_REPORT_SECONDS = 0.25
_MEMORY_SECONDS = 1.0
STOP_SECONDS = 1.2  # from `stop` to the end, before what is left is aborted
_ABORT_SECONDS = 10.0  # from then to the end, before threads that are stuck in a library are left alone

OnFigures = Callable[[LiveFigures], None]


class Live:
    """The streams of `settings`. `run` it once; other threads and signal handlers may `stop` or `abort` it.

    Raises the errors that would make a stream fail, as far as they can be found before it starts.

    Args:
        settings: The settings of all streams.

    Attributes:
        taps: Access to the frames of each stream, by its name.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._sessions = SharedSessions()
        share = 1 / len(settings.streams)
        self._streams = [Stream(each, self._sessions, share) for each in settings.streams]
        _check_locations([target for stream in self._streams for target in stream.targets])
        self.taps: dict[str, Tap] = {stream.name: stream.tap for stream in self._streams}
        self._began = time.monotonic()
        self._memory, self._memory_read = 0, float("-inf")
        self._stopping, self._aborting = threading.Event(), threading.Event()

    @property
    def failures(self) -> dict[str, UprezError]:
        """The errors of the streams that failed, by name."""
        return {stream.name: stream.failure for stream in self._streams if stream.failure}

    def run(self, on_figures: OnFigures = lambda figures: None) -> None:
        """Run all streams until `stop`, until the time set is over, or until all have failed.

        Afterwards all their resources are released; `failures` contains the errors.

        Args:
            on_figures: Called four times per second, in this thread, and once at the end.
        """
        end = time.monotonic() + self._settings.for_ if self._settings.for_ else None
        try:
            for stream in self._streams:
                stream.start()
            while not self._stopping.wait(_REPORT_SECONDS) and any(stream.alive for stream in self._streams):
                on_figures(self.figures())
                if end is not None and time.monotonic() >= end:
                    break
        finally:
            self._end()
        on_figures(self.figures())

    def stop(self) -> None:
        """Stop reading, and write everything that was read."""
        self._stopping.set()

    def abort(self) -> None:
        """End at once."""
        self._aborting.set()
        self._stopping.set()
        for stream in self._streams:
            stream.abort()

    def figures(self) -> LiveFigures:
        """The current figures of the process and its streams."""
        return LiveFigures(
            uptime=time.monotonic() - self._began,
            memory=self._memory_used(),
            streams=tuple(stream.figures() for stream in self._streams),
            gpus=gpu_use(),
        )

    def _memory_used(self) -> int:
        """Memory of the process and its children, read once per second, as that takes time."""
        now = time.monotonic()
        if now >= self._memory_read + _MEMORY_SECONDS:
            self._memory, self._memory_read = _resident_memory(), now
        return self._memory

    def _end(self) -> None:
        for step, seconds in ((Stream.stop, STOP_SECONDS), (Stream.abort, _ABORT_SECONDS)):
            if self._aborting.is_set():
                step = Stream.abort
            deadline = time.monotonic() + seconds
            running = [stream for stream in self._streams if stream.alive]
            for stream in running:
                step(stream)
            for stream in running:
                stream.join(max(0.0, deadline - time.monotonic()))
        self._sessions.close()


def _check_locations(targets: Iterable[OutputTarget]) -> None:
    """Raise SettingsError if several outputs would write to the same location."""
    targets = list(targets)
    counts = Counter(target.location for target in targets)
    for target in targets:
        if (count := counts[target.location]) > 1:
            raise SettingsError(
                f"to: {target.address}: {count} outputs write to the same place; give each a place of its own"
            )


def _resident_memory() -> int:
    """Bytes of main memory that this process and its children use."""
    total = 0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # it has ended meanwhile
            continue
    return total

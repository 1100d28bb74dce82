"""The wiring of a live stream.

    [     NAME-decode     ]            [            submit            ]   [upscale]
    Capture ─▶ LiveDecoder ─▶ queue ─▶ Deinterlace ─▶ Rotate ─▶ Submit ─▶ Collect ─┐
                                                                                   │
                         Outputs ◀─ LiveEncoder ◀─ GapFiller ◀─ Pad ◀──────────────┘
                                    [             encode            ]

- The threads are in brackets; one more, NAME, builds each pipeline and ends it. Capture and each Output have threads
  and a child process of their own, in which FFmpeg may block for ever.
- Who sends what: Capture yields the packets of each connection, the decoder turns them into LiveFrames on the output's
  clock and AudioPackets, which go to the outputs at once (SourceReader). The queue is the only place where frames wait,
  at most two: when a third comes, the oldest is dropped and counted.
- A lost connection does not end the stream: Capture reconnects, the decoder starts again, and the pipeline waits. Only
  where the frames change (size, format, colour, or the audio beside them) is the pipeline drained and another one
  built: that is a new scene (SceneRunner). The outputs then start again too, on the same clock.
- After an error in a pipeline (a GPU, an encoder) the frames in flight are dropped and counted. Another pipeline is
  built after a moment, and so on; a stream that never worked fails for good after a few attempts. So does one whose
  source is given up. Outputs fail and recover by themselves.
- `stop` ends the source; frames that were read are finished and written. `abort` discards them.
"""

from __future__ import annotations

import logging
import threading
import time

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import BackendError, Cancelled, OutputError, UprezError
from pipeline.flow.backoff import Backoff
from pipeline.flow.blocking import Aborted
from pipeline.live.counters import Rate, StreamCounters
from pipeline.live.output.destination import output_target
from pipeline.live.plan import check_live
from pipeline.live.preview import Tap
from pipeline.live.scene_runner import SceneRunner
from pipeline.live.source_reader import SourceReader
from pipeline.live.stats import Status, StreamFigures
from pipeline.superres.sessions import SharedSessions

log = logging.getLogger(__name__)

_MAX_FAILURES = 5  # pipelines in a row without a frame, of a stream that never had one
_FIRST_WAIT = 1.0  # seconds after a failed pipeline
_LONGEST_WAIT = 32.0  # seconds, unless settings.longest_wait is shorter


class Stream:
    """One live stream, from its source to its outputs. Call `start`, `stop` or `abort`, and `join`, in this order.

    Raises the errors that would make it fail, as far as they can be found before it starts.

    Args:
        settings: The settings of the stream.
        sessions: Shared by all streams of the process.
        share: The part of the machine's cores that it may plan with, 0 to 1.

    Attributes:
        name: Its name.
        targets: Its outputs.
        failure: The error that ended it; None if there was none.
    """

    def __init__(self, settings: StreamSettings, sessions: SharedSessions, share: float) -> None:
        check_live(settings)
        self.settings, self.name = settings, settings.name
        self.failure: UprezError | None = None
        self.targets = [output_target(address, settings) for address in settings.to]
        self._counters = StreamCounters()
        self._runner = SceneRunner(settings, sessions, share, self._counters)
        self._reader = SourceReader(settings, self._runner.queue, self._counters, self._runner.send_audio)
        self._trouble = _Trouble(self._counters.encoded)
        self._since = time.monotonic()  # when it failed or ended
        self._stopping, self._aborting = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._decode, name=f"uprez-{self.name}-decode", daemon=True),
            threading.Thread(target=self._upscale, name=f"uprez-{self.name}", daemon=True),
        ]

    @property
    def tap(self) -> Tap:
        """Access to its frames before and after upscaling."""
        return self._runner.tap

    def start(self) -> None:
        """Start its threads. If that fails half-way, those that run are ended, and its outputs are closed."""
        try:
            self._runner.open_outputs(self.targets)
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.abort()
            for thread in self._threads:
                if thread.ident:
                    thread.join()
            self._runner.close()
            raise

    def stop(self) -> None:
        """Read nothing more from the source; finish the frames that were read."""
        self._stopping.set()
        self._reader.end()

    def abort(self) -> None:
        """Discard the frames that were read."""
        self._aborting.set()
        self.stop()
        self._runner.abort()

    @property
    def alive(self) -> bool:
        """True until it has ended."""
        return any(thread.is_alive() for thread in self._threads)

    def join(self, seconds: float) -> None:
        """Wait for its end, at most for `seconds`."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def figures(self) -> StreamFigures:
        """The current figures."""
        return _figures(self.settings, self._status, self._reader, self._runner, self._counters)

    @property
    def _status(self) -> tuple[Status, str, float]:
        """Its status, the reason, and the start of the status, in seconds of time.monotonic."""
        if self.failure is not None:
            return "failed", str(self.failure), self._since
        if not self.alive and self._stopping.is_set():
            return "ended", "", self._since
        if reason := self._trouble.reason:
            return "waiting", reason, self._trouble.since
        source = self._reader.figures.state
        return source.status, source.reason, source.since

    def _decode(self) -> None:
        """The thread that reads the source."""
        try:
            self._reader.run()
        except Exception as error:
            self._fail(error)
        finally:
            self._runner.queue.close()
            self._reader.close()

    def _upscale(self) -> None:
        """The thread that builds a pipeline for each scene, until the source ends."""
        longest = min(_LONGEST_WAIT, self.settings.longest_wait)
        backoff = Backoff.doubling(min(_FIRST_WAIT, longest), longest)
        failures = 0
        try:
            while (first := self._runner.wait_for_frame()) is not None:
                before = self._counters.encoded.count
                try:
                    self._runner.run(first, self._reader.is_disconnected)
                except UprezError as error:
                    if self._counters.encoded.count > before:
                        failures = 0
                        backoff.reset()
                    failures += 1
                    if not self._may_retry(error, failures):
                        raise
                    log.warning("%s: %s; trying again", self.name, error)
                    self._trouble.note(str(error))
                    self._stopping.wait(backoff.wait())
        except Exception as error:
            self._fail(error)
        finally:
            self._reader.end()
            self._runner.close()
            if self.failure is None:
                self._since = time.monotonic()

    def _may_retry(self, error: UprezError, failures: int) -> bool:
        """True if another pipeline may succeed after so many failures: if an earlier one did, or early on."""
        if self._aborting.is_set():
            return False
        may_pass = isinstance(error, BackendError | OutputError) and failures < _MAX_FAILURES
        return may_pass or self._counters.encoded.count > 0

    def _fail(self, error: Exception) -> None:
        """End for good because of `error`, unless `abort` caused it."""
        if self._aborting.is_set() and isinstance(error, (Aborted, Cancelled)):
            return
        if not isinstance(error, UprezError):
            log.error("%s: a bug, please report it", self.name, exc_info=error)
            error = UprezError(f"{self.name}: {type(error).__name__}, a bug, please report it")
        if self.failure is None:
            self._since, self.failure = time.monotonic(), error
        self._reader.end()


class _Trouble:
    """The trouble of a stream whose pipelines fail, from the first error until the next frame is encoded.

    Args:
        encoded: Counts the encoded frames.

    Attributes:
        since: When it began, in seconds of time.monotonic.
    """

    def __init__(self, encoded: Rate) -> None:
        self._encoded = encoded
        self._frames_before, self._reason = 0, ""
        self.since = 0.0

    @property
    def reason(self) -> str:
        """The last error; empty if there is no trouble."""
        return self._reason if self._encoded.count == self._frames_before else ""

    def note(self, reason: str) -> None:
        """Record why a pipeline has ended."""
        if not self.reason:
            self.since = time.monotonic()
        self._frames_before, self._reason = self._encoded.count, reason


def _figures(
    settings: StreamSettings,
    status: tuple[Status, str, float],
    reader: SourceReader,
    runner: SceneRunner,
    counters: StreamCounters,
) -> StreamFigures:
    """Collect the figures of a stream; `status` is its status, the reason, and its start in time.monotonic seconds."""
    source, plan = reader.figures, runner.plan
    return StreamFigures(
        name=settings.name,
        source=str(settings.source),
        status=status[0],
        reason=status[1],
        seconds=time.monotonic() - status[2],
        source_format=plan.source_summary if plan else "",
        result_format=plan.output_summary if plan else "",
        model=plan.model.name if plan else "",
        backend=runner.backend,
        rate_in=counters.decoded.value,
        rate_out=counters.encoded.value,
        frames_in=counters.decoded.count,
        frames_out=counters.encoded.count,
        frames_repeated=counters.repeats.repeated,
        frames_filled=counters.filled,
        dropped=counters.dropped,
        skipped=reader.skipped,
        waiting=len(runner.queue),
        most_waiting=runner.queue.most_waiting,
        delay=counters.delays.figures(),
        connects=source.connects,
        faults=dict(source.faults),
        outputs=tuple(output.figures() for output in runner.outputs),
        notes=(*reader.notes, *(plan.notes if plan else ())),
    )

"""The wiring of a live stream.

    Capture ─▶ LiveDecoder ─▶ Edge ─▶ Deinterlace ─▶ Turn ─▶ Submit ─▶ Collect ─▶ Pad ─▶ Fill ─▶ LiveEncoder ─▶ Outputs
    [        NAME-decode         ]    [           submit           ] [upscale] [               encode              ]

- The threads are in brackets; one more, NAME, builds the line and ends it. Capture and each Output have threads and a
  child process of their own, behind which FFmpeg may block for ever.
- Who sends what: Capture gives what a connection brings, the decoder makes of it Shots, which are frames on the
  output's clock, and Sounds, which go to the outputs at once. The Edge is the only place where frames wait, two of them
  at most: when a third comes, the oldest is dropped and counted.
- A connection that ends, ends nothing: Capture tries again, the decoder begins anew, and the line waits. Only where
  frames become others (size, format, colour, or the sound beside them) is the line drained and another built: that is
  another scene. The outputs then begin anew too, on the same clock.
- An error in a line (a GPU, an encoder) loses the frames under way, counted. Another line is built after a moment, and
  so on; a stream that never worked fails for good after a few. So does one that its source refuses. Outputs fail and
  recover by themselves.
- `stop` ends the source; what was read is finished and written. `abort` drops it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import BackendError, Cancelled, InputError, OutputError, UprezError
from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.live.counters import Tally
from pipeline.live.input.capture import Capture
from pipeline.live.input.decoder import LiveDecoder, Shot, Sound
from pipeline.live.output.destination import outlet
from pipeline.live.output.encoder import LiveEncoder
from pipeline.live.output.gap_filler import GapFiller
from pipeline.live.output.output import Output
from pipeline.live.plan import LivePlan, check_live, plan_live
from pipeline.live.preview import Tap, Tapped
from pipeline.live.process.messages import Lost, Opened, SerializedPacket, Streams
from pipeline.live.scene import STARTING, LiveFrame, Scene
from pipeline.live.stats import Status, StreamFigures
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.encoding.pad import Pad
from pipeline.superres.sessions import SharedSessions
from pipeline.superres.stages import Collect, Submit
from pipeline.system import host

log = logging.getLogger(__name__)

_AT_THE_EDGE = 2
_FRUITLESS_SECONDS = 10.0  # of packets that give no frame
_MOST_FAILURES = 5  # lines in a row that gave no frame, of a stream that never gave one
_CLOSE_SECONDS = 0.7  # for each output to write what waits


class Stream:
    """One live stream, from its source to its outputs. `start` it, `stop` or `abort` it, `join` it, in this order.

    share: what part of the machine's cores it may plan with. outlets: what its outputs are. tap: where its pictures can
    be seen. failure: why it ended by itself, None if it did not.

    Raises what would make it fail, as far as can be told before it starts.
    """

    def __init__(self, settings: StreamSettings, sessions: SharedSessions, share: float) -> None:
        self.settings = settings
        self.name = settings.name
        self.tap = Tap()
        self.failure: UprezError | None = None
        self._sessions, self._share = sessions, share
        self._tally = Tally()
        check_live(settings)
        self.outlets = [outlet(address, settings) for address in settings.to]
        self._capture = Capture(settings)
        self._decoder = LiveDecoder()
        self._edge: DropOldestQueue[LiveFrame] = DropOldestQueue(_AT_THE_EDGE, dropped=self._pass_over)
        self._outputs: list[Output] = []
        self._sound: Streams | None = None
        self._scene: LiveFrame | None = None
        self._held: LiveFrame | None = None
        self._plan: LivePlan | None = None
        self._encoder: LiveEncoder | None = None
        self._line: Pipeline | None = None
        self._backend = self._trouble = ""
        self._since = time.monotonic()  # there is trouble, or it failed
        self._notes: tuple[str, ...] = ()  # on the present connection
        self._stopping, self._aborting = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._decode, name=f"uprez-{self.name}-decode", daemon=True),
            threading.Thread(target=self._work, name=f"uprez-{self.name}", daemon=True),
        ]

    def start(self) -> None:
        self._outputs = [Output(each, self.settings, self._demand_key) for each in self.outlets]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take nothing more from the source; finish what was taken."""
        self._stopping.set()
        self._capture.end()

    def abort(self) -> None:
        """Drop what is under way."""
        self._aborting.set()
        self.stop()
        self._edge.abort()
        if line := self._line:
            line.abort()

    @property
    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self, seconds: float) -> None:
        """Wait for its end, for so long in all."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def figures(self) -> StreamFigures:
        capture, plan, tally = self._capture.figures, self._plan, self._tally
        status, reason, since = self._status
        return StreamFigures(
            name=self.name,
            source=str(self.settings.source),
            status=status,
            reason=reason,
            seconds=time.monotonic() - since,
            source_format=plan.source if plan else "",
            result_format=plan.result if plan else "",
            model=plan.model.name if plan else "",
            backend=self._backend,
            rate_in=tally.came.value,
            rate_out=tally.left.value,
            frames_in=tally.came.count,
            frames_out=tally.left.count,
            frames_filled=tally.filled,
            dropped=tally.dropped,
            skipped={**capture.skipped, **self._decoder.skipped},
            waiting=len(self._edge),
            most_waiting=self._edge.most_waiting,
            delay=tally.delays.figures(),
            connects=capture.connects,
            faults=dict(capture.faults),
            outputs=tuple(output.figures() for output in self._outputs),
            notes=(*self._notes, *(plan.notes if plan else ())),
        )

    @property
    def _status(self) -> tuple[Status, str, float]:
        """What it does, why, and since when, by time.monotonic."""
        capture = self._capture.figures
        if self.failure is not None:
            return "failed", str(self.failure), self._since
        if not self.alive and self._stopping.is_set():
            return "ended", "", capture.since
        if self._trouble:
            return "waiting", self._trouble, self._since
        return capture.status, capture.reason, capture.since

    def _decode(self) -> None:
        """The thread at the source: it never waits for what comes after the edge."""
        try:
            for event in self._capture:
                if isinstance(event, Opened):
                    self._open(event)
                elif isinstance(event, Lost):
                    self._pass(self._decoder.lose())
                    host.trim_heap()
                else:
                    self._feed(event)
            self._pass(self._decoder.lose())
        except Exception as error:
            self._fail(error)
        finally:
            self._edge.close()
            self._capture.close()

    def _open(self, opened: Opened) -> None:
        """Begin with another connection. What can't be decoded may be another time, if it ever could be."""
        self._notes = opened.notes
        self._edge.restart()
        try:
            self._decoder.open(opened)
        except InputError as error:
            if not self._tally.came.count:
                raise
            self._capture.renew(str(error))
        self._sound = self._decoder.sound

    def _feed(self, parcel: SerializedPacket) -> None:
        """Decode what came. What can't be is tried on another connection, if there were pictures before."""
        try:
            self._pass(self._decoder.feed(parcel))
        except InputError as error:
            if not self._tally.came.count:
                raise
            self._capture.renew(str(error))
        if self._decoder.seconds_without_frame > (self.settings.timeout or _FRUITLESS_SECONDS):
            self._capture.renew("no picture of what it sends can be decoded")

    def _pass(self, all_made: Iterable[Shot | Sound]) -> None:
        for made in all_made:
            if isinstance(made, Shot):
                self._capture.confirm()
                self._tally.came.add()
                self._edge.put(LiveFrame(made, self._sound))
            else:
                self._send_sound(made)

    def _send_sound(self, sound: Sound) -> None:
        """To the outputs, where they carry it; between two scenes it is left out, as the picture is."""
        scene = self._scene
        if scene is not None and scene.sound == self._sound and self.settings.audio:
            for output in self._outputs:
                output.offer(sound.parcel)

    def _drop(self, seen: LiveFrame, reason: str) -> None:
        seen.shot.frame.release()
        self._tally.drop(reason)

    def _pass_over(self, seen: LiveFrame, reason: str) -> None:
        """Drop a frame at the edge, where `reason` holds only while a line takes frames from there."""
        self._drop(seen, reason if self._scene else STARTING)

    def _work(self) -> None:
        """The thread that builds a line for each scene, until the source ends."""
        failures = 0
        try:
            while (first := self._first()) is not None:
                before = self._tally.left.count
                try:
                    self._play(first)
                except UprezError as error:
                    failures = 1 if self._tally.left.count > before else failures + 1
                    if not self._may_pass(error, failures):
                        raise
                    log.warning("%s: %s; trying again", self.name, error)
                    self._since = self._since if self._trouble else time.monotonic()
                    self._trouble = str(error)
                    self._stopping.wait(min(2.0 ** min(failures - 1, _MOST_FAILURES), self.settings.longest_wait))
        except Exception as error:
            self._fail(error)
        finally:
            self._capture.end()
            self._close_outputs()

    def _may_pass(self, error: UprezError, failures: int) -> bool:
        """Whether another line may do better, after so many in vain: surely, if one ever did."""
        if self._aborting.is_set():
            return False
        can_mend = isinstance(error, BackendError | OutputError) and failures < _MOST_FAILURES
        return can_mend or self._tally.left.count > 0

    def _first(self) -> LiveFrame | None:
        """The frame that a line begins with; None when the source has ended."""
        held, self._held = self._held, None
        if held is not None:
            return held
        try:
            return self._edge.get()
        except (Closed, Aborted):
            return None

    def _play(self, first: LiveFrame) -> None:
        """Build a line for frames like `first`, and let it run until others come."""
        scene = Scene(first, self._edge, self._tally, self._drop)
        try:
            with ExitStack() as stack:
                self._line = self._built(scene, stack)
                if self._aborting.is_set():
                    return
                self._scene, self._trouble = first, ""
                self._line.start()
                self._line.wait()
        finally:
            self._held = scene.next
            self._scene = self._line = self._encoder = None
            scene.end()
            host.trim_heap()

    def _built(self, scene: Scene, stack: ExitStack) -> Pipeline:
        """The line of a scene; what it works with is closed with `stack`."""
        plan = plan_live(scene.first.shot.video, self.settings, self._share)
        session = self._sessions.open(plan.backend, plan.model, plan.given, self.settings, plan.made)
        stack.enter_context(session)
        encoder = LiveEncoder(plan.encoding, scene.first.sound, self.settings.gop)
        stack.callback(encoder.close)
        for output in self._outputs:
            output.begin(encoder.streams)
        self._plan, self._encoder, self._backend = plan, encoder, session.backend
        self.tap.aspect = plan.encoding.sample_aspect
        encoding = [Pad(plan.encoding.format), Tapped(self.tap.after), encoder, _Deliver(self._outputs, self._tally)]
        scene.tell(self._is_away, pauses=plan.deinterlacing is not None, fills=self.settings.fill)
        if self.settings.fill:
            encoding.insert(-2, GapFiller())
        prepared = preprocess(plan.video.format, plan.video.frame_duration, plan.deinterlacing, plan.turn)
        stages: dict[str, Stage[Any, Any]] = {
            "submit": Chain(*prepared, Tapped(self.tap.before), Submit(session)),
            "upscale": Collect(session),
            "encode": Chain(*encoding),
        }
        return Pipeline(scene, stages, capacity=1)

    def _is_away(self) -> bool:
        return self._capture.figures.status != "live"

    def _demand_key(self) -> None:
        if encoder := self._encoder:
            encoder.demand_key()

    def _fail(self, error: Exception) -> None:
        """End for good, because of `error`, unless that is what `abort` led to."""
        if self._aborting.is_set() and isinstance(error, (Aborted, Cancelled)):
            return
        if not isinstance(error, UprezError):
            log.error("%s: a bug, please report it", self.name, exc_info=error)
            error = UprezError(f"{self.name}: {type(error).__name__}, a bug, please report it")
        if self.failure is None:
            self.failure, self._since = error, time.monotonic()
        self._capture.end()

    def _close_outputs(self) -> None:
        """All at once: each may take its time."""
        closers = [
            threading.Thread(target=output.close, args=(_CLOSE_SECONDS,), name=f"uprez-{self.name}-close", daemon=True)
            for output in self._outputs
        ]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join()


class _Deliver(Stage[Any, Any]):
    """Hands packets to all outputs."""

    def __init__(self, outputs: list[Output], tally: Tally) -> None:
        self._outputs, self._tally = outputs, tally

    def feed(self, parcel: SerializedPacket) -> Iterator[Any]:
        for output in self._outputs:
            output.offer(parcel)
        if parcel.pts is not None and self._tally.delays.left(parcel.pts):
            self._tally.left.add()
        yield from ()

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
- An error in a line (a GPU, an encoder) loses the frames under way, counted. Another line is built after a moment; the
  stream fails for good when that did not help a few times in a row, or when its source refuses it. Outputs fail and
  recover by themselves.
- `stop` ends the source; what was read is finished and written. `abort` drops it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from pipeline.errors import BackendError, OutputError, UprezError
from pipeline.figures import Status, StreamFigures
from pipeline.flow.channel import Aborted, Closed
from pipeline.flow.edge import Edge
from pipeline.flow.line import Line
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.live_plan import LivePlan, check_live, plan_live
from pipeline.live_settings import StreamSettings
from pipeline.media.decoding.deinterlace import Deinterlace
from pipeline.media.decoding.live import LiveDecoder, Shot, Sound
from pipeline.media.decoding.turn import Turn
from pipeline.media.encoding.fill import Again, Fill
from pipeline.media.encoding.live import LiveEncoder
from pipeline.media.encoding.pad import Pad
from pipeline.media.reading.capture import Capture
from pipeline.media.reading.probe import VideoInfo
from pipeline.media.wire import Lost, Opened, Parcel, Streams
from pipeline.media.writing.outlet import outlet
from pipeline.media.writing.publish import Output
from pipeline.preview import Tap
from pipeline.superres.shared import SharedSessions
from pipeline.superres.stages import Collect, Submit
from pipeline.tally import Tally

log = logging.getLogger(__name__)

_AT_THE_EDGE = 2
_GAP_SECONDS = 0.5  # without a frame, and a source that is away or slow: --fill begins
_FRUITLESS_SECONDS = 10.0  # of packets that give no frame
_MOST_FAILURES = 5  # lines in a row that gave no frame
_FAILURE_SECONDS = 1.0
_CLOSE_SECONDS = 0.7  # for each output to write what waits
_STARTING = "while starting"  # a session, an encoder
_TICKS = 90_000  # a second of the output's clock


@dataclass(frozen=True)
class _Seen:
    """A frame at the edge, with the sound beside it."""

    shot: Shot
    sound: Streams | None

    def is_like(self, other: _Seen) -> bool:
        """Whether one line can carry both."""
        return self.sound == other.sound and _looks(self.shot.video) == _looks(other.shot.video)


def _looks(video: VideoInfo) -> tuple[Any, ...]:
    """What a line is built for; a rate that is told differently at another connection is no reason for another."""
    return video.format, video.source_format, video.sample_aspect, video.display_matrix, video.scan, video.hdr


class Stream:
    """One live stream, from its source to its outputs. `start` it, `stop` or `abort` it, `join` it, in this order.

    share: what part of the machine's cores it may plan with. tap: where its pictures can be seen. failure: why it ended
    by itself, None if it did not.

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
        self._outlets = [outlet(address, settings) for address in settings.to]
        self._capture = Capture(settings)
        self._decoder = LiveDecoder()
        self._edge: Edge[_Seen] = Edge(_AT_THE_EDGE, dropped=self._drop)
        self._outputs: list[Output] = []
        self._sound: Streams | None = None
        self._scene: _Seen | None = None
        self._held: _Seen | None = None
        self._plan: LivePlan | None = None
        self._encoder: LiveEncoder | None = None
        self._line: Line | None = None
        self._backend = ""
        self._notes: tuple[str, ...] = ()  # on the present connection
        self._stopping, self._aborting = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._decode, name=f"uprez-{self.name}-decode", daemon=True),
            threading.Thread(target=self._work, name=f"uprez-{self.name}", daemon=True),
        ]

    def start(self) -> None:
        self._outputs = [Output(each, self.settings, self._demand_key) for each in self._outlets]
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
        status, reason = self._status
        return StreamFigures(
            name=self.name,
            source=str(self.settings.source),
            status=status,
            reason=reason,
            seconds=time.monotonic() - capture.since,
            source_format=_described(plan) if plan else "",
            result_format=f"{plan.encoding.format}, {plan.encoding.codec}" if plan else "",
            model=plan.model.name if plan else "",
            backend=self._backend,
            rate_in=tally.came.value,
            rate_out=tally.left.value,
            frames_in=tally.came.count,
            frames_out=tally.left.count,
            frames_filled=tally.filled,
            dropped={reason: count for reason, count in tally.dropped.items() if count},
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
    def _status(self) -> tuple[Status, str]:
        if self.failure is not None:
            return "failed", str(self.failure)
        if not self.alive and self._stopping.is_set():
            return "ended", ""
        return self._capture.figures.status, self._capture.figures.reason

    def _decode(self) -> None:
        """The thread at the source: it never waits for what comes after the edge."""
        try:
            for event in self._capture:
                if isinstance(event, Opened):
                    self._decoder.open(event)
                    self._notes = event.notes
                    self._sound = self._decoder.sound
                    self._edge.restart()
                elif isinstance(event, Lost):
                    self._pass(self._decoder.lose())
                else:
                    self._pass(self._decoder.feed(event))
                    if self._decoder.seconds_without_frame > (self.settings.silence or _FRUITLESS_SECONDS):
                        self._capture.renew("no picture of what it sends can be decoded")
        except Exception as error:
            self._fail(error)
        finally:
            self._edge.close()
            self._capture.close()

    def _pass(self, all_made: Iterable[Shot | Sound]) -> None:
        for made in all_made:
            if isinstance(made, Shot):
                self._tally.came.add()
                self._edge.put(_Seen(made, self._sound))
            else:
                self._send_sound(made)

    def _send_sound(self, sound: Sound) -> None:
        """To the outputs, where they carry it; between two scenes it is left out, as the picture is."""
        scene = self._scene
        if scene is not None and scene.sound == self._sound and self.settings.audio:
            for output in self._outputs:
                output.offer(sound.parcel)

    def _drop(self, seen: _Seen, reason: str) -> None:
        seen.shot.frame.release()
        self._tally.dropped[reason if self._scene else _STARTING] += 1

    def _work(self) -> None:
        """The thread that builds a line for each scene, until the source ends."""
        failures = 0
        try:
            while (first := self._first()) is not None:
                before = self._tally.left.count
                try:
                    self._play(first)
                except (BackendError, OutputError) as error:
                    failures = 1 if self._tally.left.count > before else failures + 1
                    if failures == _MOST_FAILURES:
                        raise
                    log.warning("%s: %s; trying again", self.name, error)
                    self._stopping.wait(_FAILURE_SECONDS)
        except Exception as error:
            self._fail(error)
        finally:
            self._capture.end()
            self._close_outputs()

    def _first(self) -> _Seen | None:
        """The frame that a line begins with; None when the source has ended."""
        held, self._held = self._held, None
        if held is not None:
            return held
        try:
            return self._edge.get()
        except (Closed, Aborted):
            return None

    def _play(self, first: _Seen) -> None:
        """Build a line for frames like `first`, and let it run until others come."""
        plan = plan_live(first.shot.video, self.settings, self._share)
        try:
            with ExitStack() as stack:
                session = self._sessions.open(plan.backend, plan.model, plan.given, self.settings, plan.made)
                stack.enter_context(session)
                encoder = LiveEncoder(plan.encoding, first.sound, self.settings.gop)
                stack.callback(encoder.close)
                for output in self._outputs:
                    output.begin(encoder.streams)
                self._plan, self._encoder, self._backend = plan, encoder, session.backend
                stages: dict[str, Stage[Any, Any]] = {
                    "submit": Chain(*_prepared(plan), _Before(self.tap), Submit(session)),
                    "upscale": Collect(session),
                    "encode": Chain(
                        Pad(plan.encoding.format),
                        _After(self.tap),
                        *([Fill()] if self.settings.fill else []),
                        encoder,
                        _Deliver(self._outputs, self._tally),
                    ),
                }
                self._line = Line(self._frames(first), stages, capacity=1)
                if self._aborting.is_set():
                    return
                self._scene = first
                self._line.start()
                self._line.wait()
        finally:
            self._scene = self._line = self._encoder = None
            self._tally.dropped["lost in a failure"] += self._tally.delays.forget()

    def _frames(self, first: _Seen) -> Iterator[Frame | Again]:
        """`first` and all that are like it; where --fill is asked for, the last one again while none comes."""
        seen: _Seen | None = first
        if len(self._edge):  # it waited while the line was built: others are nearer to now
            self._drop(first, _STARTING)
            seen = yield from self._next(first.shot.frame)
        while seen is not None:
            if not seen.is_like(first):
                self._held = seen
                return
            frame = seen.shot.frame
            self._tally.delays.came(frame.pts, seen.shot.arrived)
            yield frame
            seen = yield from self._next(frame)

    def _next(self, last: Frame) -> Generator[Again, None, _Seen | None]:
        """The frame after `last`, None when there is none; in a gap, if --fill is asked for, `last` again meanwhile."""
        began, until = time.monotonic(), last.pts
        duration = max(1, last.duration)
        patience = duration / _TICKS if self.settings.fill else None
        while True:
            try:
                seen = self._edge.get(patience)
            except TimeoutError:
                now = last.pts + int((time.monotonic() - began) * _TICKS)
                while self._is_away(time.monotonic() - began, duration) and until + 2 * duration <= now:
                    until += duration
                    self._tally.filled += 1
                    yield Again(until, duration)
                continue
            except (Closed, Aborted):
                return None
            if seen.shot.frame.pts > until:
                return seen
            self._drop(seen, "already filled")

    def _is_away(self, seconds: float, duration: int) -> bool:
        """Whether a source that gave nothing for so long is gone, and not just slow."""
        return self._capture.figures.status != "live" or seconds > max(_GAP_SECONDS, 3 * duration / _TICKS)

    def _demand_key(self) -> None:
        if encoder := self._encoder:
            encoder.demand_key()

    def _fail(self, error: Exception) -> None:
        """End for good, because of `error`."""
        if not isinstance(error, UprezError):
            log.error("%s: a bug, please report it", self.name, exc_info=error)
            error = UprezError(f"{self.name}: {type(error).__name__}, a bug, please report it")
        if self.failure is None:
            self.failure = error
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


def _prepared(plan: LivePlan) -> list[Stage[Any, Any]]:
    """What makes frames as they are decoded those that the upscaler is given."""
    fields = [Deinterlace(plan.deinterlacing, plan.video.format, plan.video.lasting)] if plan.deinterlacing else []
    return [*fields, Turn(plan.turn, plan.video.format)] if plan.turn else [*fields]


def _described(plan: LivePlan) -> str:
    video = plan.video
    return f"{video.format}, {video.codec}, {float(video.rate):g} fps"


class _Before(Stage[Any, Any]):
    """Shows frames to a tap as they come."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, Frame):
            self._tap.before(item)
        yield item


class _After(Stage[Any, Any]):
    """Shows frames to a tap as they leave."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, Frame):
            self._tap.after(item)
        yield item


class _Deliver(Stage[Any, Any]):
    """Hands packets to all outputs."""

    def __init__(self, outputs: list[Output], tally: Tally) -> None:
        self._outputs, self._tally = outputs, tally

    def feed(self, parcel: Parcel) -> Iterator[Any]:
        for output in self._outputs:
            output.offer(parcel)
        if parcel.pts is not None and self._tally.delays.left(parcel.pts):
            self._tally.left.add()
        yield from ()

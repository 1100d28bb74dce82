"""Builds and runs the pipeline of each scene of a live stream, and owns its outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Never

from pipeline.config.live_settings import StreamSettings
from pipeline.flow.blocking import Aborted, Closed
from pipeline.flow.closing import Closing
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.live.counters import StreamCounters
from pipeline.live.input.decoder import LiveFrame
from pipeline.live.output.destination import OutputTarget
from pipeline.live.output.encoder import LiveEncoder
from pipeline.live.output.gap_filler import GapFiller
from pipeline.live.output.output import Output
from pipeline.live.plan import LivePlan, plan_live
from pipeline.live.preview import PreviewStage, Tap
from pipeline.live.process.messages import SerializedPacket, StreamHeader
from pipeline.live.scene import STARTING, GapHandling, Scene
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.encoding.pad import Pad
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.superres.stages import Collect, Submit
from pipeline.system import host

_QUEUE_FRAMES = 2
CLOSE_SECONDS = 0.7  # for each output to write what waits


class SceneRunner(Closing):
    """Runs one scene after another. One thread waits for frames and runs scenes; any may abort and read figures.

    Args:
        settings: The settings of the stream.
        sessions: Shared by all streams of the process.
        share: The part of the machine's cores that the stream may plan with, 0 to 1.
        counters: The counters of the stream.

    Attributes:
        queue: The decoded frames; the only place where frames wait.
        tap: Access to the frames before and after upscaling.
        outputs: The open outputs.
        plan: The plan of the current or last scene; None before the first.
        backend: Description of the backend that runs the model in that scene.
    """

    def __init__(
        self, settings: StreamSettings, sessions: SharedSessions, share: float, counters: StreamCounters
    ) -> None:
        self._settings, self._sessions, self._share, self._counters = settings, sessions, share, counters
        self.queue: DropOldestQueue[LiveFrame] = DropOldestQueue(_QUEUE_FRAMES, dropped=self._drop_late)
        self.tap = Tap()
        self.outputs: list[Output] = []
        self.plan: LivePlan | None = None
        self.backend = ""
        self._next: LiveFrame | None = None  # taken from the queue, but of the next scene
        self._running: LiveFrame | None = None  # the first frame of the scene whose pipeline runs
        self._encoder: LiveEncoder | None = None
        self._pipeline: Pipeline | None = None
        self._aborting = threading.Event()

    def open_outputs(self, targets: Iterable[OutputTarget]) -> None:
        """Start the threads of the outputs. If that fails half-way, `close` closes those that were opened."""
        for target in targets:
            self.outputs.append(Output(target, self._settings, self._demand_key))

    def wait_for_frame(self) -> LiveFrame | None:
        """The first frame of the next scene; None when the source has ended."""
        frame, self._next = self._next, None
        if frame is not None:
            return frame
        try:
            return self.queue.get()
        except (Closed, Aborted):
            return None

    def run(self, first: LiveFrame, is_disconnected: Callable[[], bool]) -> None:
        """Build a pipeline for the scene of `first`, and run it to its end. Raises its first error.

        Args:
            first: The first frame.
            is_disconnected: Reports whether the source is disconnected.
        """
        scene = Scene(first, self.queue, self._counters, self._drop)
        try:
            with ExitStack() as resources:
                pipeline = self._pipeline = self._build(scene, is_disconnected, resources)
                if self._aborting.is_set():  # checked after the pipeline is stored, where `abort` can see it
                    return
                self._running = first
                pipeline.start()
                pipeline.wait()
        finally:
            self._next = scene.next
            self._running = self._pipeline = self._encoder = None
            scene.end()
            host.trim_heap()

    def send_audio(self, packet: SerializedPacket, streams: StreamHeader | None) -> None:
        """Send a packet of audio, one of `streams`, to the outputs. Between two scenes it is dropped, as the video is.

        Called from any thread.
        """
        running = self._running
        if running is not None and running.audio == streams and self._settings.audio:
            for output in self.outputs:
                output.offer(packet)

    def abort(self) -> None:
        """Discard the frames in flight. Called from any thread."""
        self._aborting.set()
        self.queue.abort()
        if pipeline := self._pipeline:
            pipeline.abort()

    def close(self) -> None:
        """Drop the frames that wait, as after an error, and close all outputs at once: each may take its time."""
        self.queue.abort()
        if self._next is not None:
            self._drop(self._next, STARTING)
            self._next = None
        closers: list[threading.Thread] = []
        for output in self.outputs:
            closer = threading.Thread(target=output.close, args=(CLOSE_SECONDS,), name="uprez-close", daemon=True)
            try:
                closer.start()
                closers.append(closer)
            except RuntimeError:  # no other thread can be started
                output.close(CLOSE_SECONDS)
        for closer in closers:
            closer.join()

    def _build(self, scene: Scene, is_disconnected: Callable[[], bool], resources: ExitStack) -> Pipeline:
        """The pipeline of a scene; what it uses is closed with `resources`."""
        settings, audio = self._settings, scene.first.audio
        plan = plan_live(scene.first.video, settings, self._share)
        request = SessionRequest(plan.backend, plan.model, plan.input_format, settings, plan.output_format)
        session = self._sessions.open(request)
        resources.enter_context(session)
        encoder = LiveEncoder(plan.encoding, audio, settings.gop)
        resources.callback(encoder.close)
        for output in self.outputs:
            output.start(encoder.streams)
        self.plan, self._encoder, self.backend = plan, encoder, session.backend
        self.tap.aspect = plan.encoding.sample_aspect
        scene.gaps = GapHandling(is_disconnected, flush=plan.deinterlacing is not None, repeat=settings.fill)
        preprocessing = preprocess(plan.video.format, plan.video.frame_duration, plan.deinterlacing, plan.rotation)
        repeats = self._counters.repeats if settings.dedup else None
        encoding: list[Stage[Any, Any]] = [
            Pad(plan.encoding.format),
            PreviewStage[Frame](self.tap.add_after),
            *([GapFiller()] if settings.fill else []),
            encoder,
            _Deliver(self.outputs, self._counters),
        ]
        stages: dict[str, Stage[Any, Any]] = {
            "submit": Chain(*preprocessing, PreviewStage[Frame](self.tap.add_before), Submit(session, repeats)),
            "upscale": Collect(session),
            "encode": Chain(*encoding),
        }
        return Pipeline(scene, stages, capacity=1)

    def _drop(self, frame: LiveFrame, reason: str) -> None:
        frame.frame.release()
        self._counters.drop(reason)

    def _drop_late(self, frame: LiveFrame, reason: str) -> None:
        """Drop a frame from the queue. The queue's `reason` holds only while a pipeline takes frames from it."""
        self._drop(frame, reason if self._running else STARTING)

    def _demand_key(self) -> None:
        if encoder := self._encoder:
            encoder.demand_key()


class _Deliver(Stage[SerializedPacket, Never]):
    """Offers packets to all outputs."""

    def __init__(self, outputs: list[Output], counters: StreamCounters) -> None:
        self._outputs, self._counters = outputs, counters

    def feed(self, item: SerializedPacket) -> Iterator[Never]:
        for output in self._outputs:
            output.offer(item)
        if item.pts is not None and self._counters.delays.leave(item.pts):
            self._counters.encoded.add()
        yield from ()

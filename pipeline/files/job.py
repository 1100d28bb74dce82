"""The wiring of a file's job.

    Source ─▶ FrameReader ─▶ Deinterlace ─▶ Rotate ─▶ Submit ─▶ Collect ─▶ Encoder ─▶ Sink
             [              decode                 ] [submit]  [upscale]  [    encode     ]
                                                                       [one per encoder]

- Threads are in brackets; parallel encoders have one each besides. A FrameReader is Decoder, MonotonicTimestamps and,
  for an excerpt, Trim. Deinterlace and Rotate are there only if needed.
- Who sends what: the first thread reads the source's packets. Video becomes Frames, then Pendings, then upscaled
  Frames, then packets again; the packets of other streams travel among them, in their place, to the sink. Only frames
  count against the channels' capacity, so that a dense audio track can't starve the video.
- Who closes what: the end of the source travels through the pipeline (flow/pipeline.py), and each stage finishes:
  decoder and encoder are drained. The sink is closed by `execute` after all threads have ended. Trim ends the source
  where an excerpt ends before it does.
- Damage in the source ends nothing: all that can be decoded is written, and the result reports what is missing. With
  `strict` the first sign of damage is an error.
- The first error aborts the pipeline and is raised here, whatever it is; the finished part is kept as NAME.partial.mkv.
  `Job.stop` (the first Ctrl-C) submits nothing more, drains the pipeline and keeps the part too; only `Job.abort` (the
  second) keeps nothing, except for finished segments.
- A file gets its name after it was read again and found to contain as many frames as went into it, each at its time.
- With `resume`, the sink is a SegmentSink (files/durable/): finished segments are kept, however the job ends, and a
  stage before the upscaler leaves out what they contain. The output is made at the end, by joining them.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack

from pipeline.config.renames import with_current_names
from pipeline.config.settings import Settings
from pipeline.config.upscale_options import UpscaleOptions
from pipeline.errors import Cancelled, InputError, OutOfMemory, OutputError, UprezError
from pipeline.files.commit import commit_checked
from pipeline.files.components import frame_reader, open_sink, open_source, preprocessing_stages, queue_weight
from pipeline.files.destination import check_target
from pipeline.files.durable.finish import finish_job
from pipeline.files.durable.outcome import Outcome
from pipeline.files.durable.segment_sink import SegmentSink
from pipeline.files.durable.work_folder import WorkFolder
from pipeline.files.plan import Plan, make_plan
from pipeline.files.result import Result
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.flow.telemetry import OnProgress, Progress, bottleneck
from pipeline.media.decoding.frame_reader import PtsRecorder
from pipeline.media.encoding.captions import CaptionTrack
from pipeline.media.encoding.pad import Pad
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Packet, Source
from pipeline.media.writing.output_kind import Sink
from pipeline.superres.repeats import RepeatDetector
from pipeline.superres.session import Session
from pipeline.superres.sessions import open_session
from pipeline.superres.stages import Collect, Submit
from pipeline.system import host

log = logging.getLogger(__name__)


class Job:
    """A handle to stop or abort a running job from other threads and signal handlers.

    Attributes:
        stopped: Whether `stop` was called.
        aborted: Whether `abort` was called.
    """

    def __init__(self) -> None:
        self._pipeline: Pipeline | None = None
        self.stopped = False
        self.aborted = False

    @property
    def running(self) -> bool:
        """Whether the job is running: it has started and not yet ended."""
        return self._pipeline is not None

    def stop(self) -> None:
        """Finish the frames in flight and end with a playable file, NAME.partial.mkv; with `resume`, with its segments.

        A later job with this handle stops at once.
        """
        self.stopped = True
        pipeline = self._pipeline  # read once: the job may end meanwhile
        if pipeline is not None:
            pipeline.stop()

    def abort(self) -> None:
        """End at once and keep nothing but finished segments; `upscale` raises Cancelled."""
        self.aborted = True
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.abort()

    @contextlib.contextmanager
    def controlling(self, pipeline: Pipeline) -> Iterator[None]:
        """Let `stop` and `abort` act on `pipeline` inside the block; a call of either before it counts too."""
        self._pipeline = pipeline  # before the flags are read: a call in between reaches the pipeline itself
        try:
            if self.aborted:
                raise Cancelled("aborted before the first frame")
            if self.stopped:
                pipeline.stop()
            yield
        finally:
            self._pipeline = None


def upscale(
    source: str | Path,
    sink: str | Path | None = None,
    settings: Settings | None = None,
    *,
    progress: OnProgress | None = None,
    job: Job | None = None,
    **options: Unpack[UpscaleOptions],
) -> Result:
    """Upscale a video or image file and wait for the end. All other streams, chapters and tags are copied.

    Args:
        source: A local file, a pattern of numbered images such as "in/%05d.png", or "-" for standard input.
        sink: The output: a file, an existing folder, or None for a name beside the source, such as in.x2.mkv.
        settings: From `Settings.load`. Default: the default of each setting.
        progress: Called about ten times a second, in the calling thread. An exception from it ends the job.
        job: A handle to stop or abort the job from elsewhere.
        options: Fields of Settings as keywords (`model="my.onnx", crf=18`); they win over `settings`.

    Raises:
        SettingsError: A setting is invalid.
        InputError: The source can't be read.
        OutputError: The output can't be written. An earlier file of its name is unchanged.
        ModelError: The network can't be used.
        BackendError: The device fails, is missing, or has not enough memory (OutOfMemory).
        Cancelled: `job` was aborted, or stopped before the first frame.
    """
    values = with_current_names(options)
    if settings is not None:
        values = settings.model_dump(exclude_unset=True) | values
    settings = Settings.load(None, **values)
    target = settings.to if sink is None else Path(sink)
    plan = make_plan(probe(Path(source), settings.video_stream), target, settings)
    check_target(plan)
    return execute(plan, progress=progress, job=job)


def execute(plan: Plan, *, progress: OnProgress | None = None, job: Job | None = None) -> Result:
    """Run a plan to its end; see `upscale`. Logs the steps of the start at level DEBUG."""
    with _memory_errors(plan), contextlib.ExitStack() as stack:
        job = job or Job()
        work = stack.enter_context(WorkFolder(plan)) if plan.segment_frames else None
        outcome = work.outcome if work else None
        if work and outcome and (outcome.source_intact or not plan.settings.strict):
            return finish_job(work, outcome, lambda: job.aborted)
        plan = work.plan if work else plan
        source = stack.enter_context(open_source(plan))
        sink = SegmentSink(work, source) if work else open_sink(plan, source)
        stack.enter_context(sink)
        log.debug("opened %s and %s", plan.media.path, plan.target)
        session = stack.enter_context(open_session(plan.session_request))
        log.debug("opened a session: %s", session.backend)
        return _JobPipeline(plan, source, session, sink).run(progress, job)


@contextlib.contextmanager
def _memory_errors(plan: Plan) -> Iterator[None]:
    """Translate MemoryError to OutOfMemory."""
    try:
        yield
    except MemoryError as error:
        needed = f"about {plan.memory / 1e9:.1f} GB are needed, {host.available_memory() / 1e9:.1f} GB are free"
        raise OutOfMemory(f"{plan.media.path}: not enough main memory: {needed}; lower `queue` or `slots`") from error


class _FirstFrameLog(Stage[Any, Any]):
    """Logs when the first item passes: the start of a job ends there."""

    def __init__(self) -> None:
        self._logged = False

    def feed(self, item: Any) -> Iterator[Any]:
        if not self._logged:
            self._logged = True
            log.debug("upscaled the first frame")
        yield item


class _JobPipeline:
    """The pipeline of one job, and the checks and counts after its end."""

    def __init__(self, plan: Plan, source: Source, session: Session[Any], sink: Sink | SegmentSink) -> None:
        self._plan, self._source, self._session, self._sink = plan, source, session, sink
        self._segments = sink if isinstance(sink, SegmentSink) else None
        self._resumed = sink.muxed[0] if self._segments else 0
        self._reader = frame_reader(plan, source)
        self._repeats = RepeatDetector() if plan.settings.dedup else None
        self._submit = Submit[Packet](session, self._repeats)
        self._pts = PtsRecorder[Packet]()
        self._encoder = sink.encoder(plan.time_base)
        self._captions = CaptionTrack(plan.encoding.codec, plan.time_base, plan.time_shift)
        skipped = [self._segments.skip] if self._segments else []
        stages: dict[str, Stage[Any, Any]] = {
            "decode": Chain(self._reader, *preprocessing_stages(plan), self._pts, *skipped),
            "submit": self._submit,
            "upscale": Chain(Collect[Packet](session), _FirstFrameLog()),
            "encode": Chain(Pad(plan.encoding.format), *self._captions.around(self._encoder), sink),
        }
        end = source.stop if plan.media.pipe else None
        self._pipeline = Pipeline(source, stages, plan.settings.queue, queue_weight, end=end)
        self._began = time.monotonic()

    def run(self, progress: OnProgress | None, job: Job) -> Result:
        """Run the pipeline to its end, check the output and give it its name."""

        def report() -> None:
            if progress:
                done, total = self._resumed + self._encoder.started, self._plan.frames or 0
                seconds = time.monotonic() - self._began
                progress(Progress(done, total, seconds, self._bottleneck, resumed=self._resumed))

        try:
            with job.controlling(self._pipeline):
                self._pipeline.start()
                self._pipeline.wait(report)
                report()  # before the output gets its name: an exception from the callback aborts the job
                stopped = self._pipeline.was_cut or self._submit.left_out > 0
                if not stopped:
                    self._reader.check_missing_frames()
                    if self._segments:
                        self._segments.skip.check_complete()
                self._check_counts()
                if not stopped:
                    if self._segments and self._frames:
                        self._segments.join(lambda: job.aborted, self._outcome())
                    self._source.damage.add(damaged_packets=self._sink.damaged)
            if not self._frames or (stopped and self._segments and not self._segments.frames):
                raise self._no_output(stopped)
            path = self._sink.keep_partial() if stopped else self._commit()
        except BaseException as error:
            if job.aborted or not (kept := self._keep_finished_part()):
                raise
            if isinstance(error, UprezError):
                raise type(error)(f"{error}; {kept}") from error
            error.add_note(kept)
            raise
        return self._result(path, stopped)

    def _result(self, path: Path, stopped: bool) -> Result:
        damage = self._source.damage
        return Result(
            path=path,
            frames_in=self._reader.frames,
            frames_out=self._segments.frames if stopped and self._segments else self._frames,
            frames_resumed=self._resumed,
            frames_repeated=self._repeats.repeated if self._repeats else 0,
            stopped=stopped,
            source_intact=damage.is_empty,
            frames_lost=damage.lost_frames,
            frames_damaged=damage.damaged_frames,
            seconds=time.monotonic() - self._began,
            backend=self._session.backend,
            bottleneck=self._bottleneck,
            notes=self._plan.notes,
            findings=tuple(self._findings(stopped)),
        )

    def _outcome(self) -> Outcome:
        """What is known before the segments are joined."""
        damage = self._source.damage
        return Outcome(
            frames=self._frames,
            frames_in=self._reader.frames,
            frames_lost=damage.lost_frames,
            frames_damaged=damage.damaged_frames,
            source_intact=damage.is_empty,
            backend=self._session.backend,
            findings=(*self._reader.findings(), *self._captions.remarks),
        )

    def _findings(self, stopped: bool) -> Iterator[str]:
        if stopped and self._segments:
            yield "the same command continues after the finished frames"
        yield from self._reader.findings()
        yield from self._sink.dropped
        yield from self._sink.remarks
        yield from self._captions.remarks
        if self._sink.repaired:
            yield f"timestamps of other streams' packets that did not increase were repaired ({self._sink.repaired})"

    @property
    def _frames(self) -> int:
        """Frames of the output so far, those of finished segments included."""
        return self._resumed + self._encoder.frames

    @property
    def _bottleneck(self) -> str:
        """The stage that limits the rate, as users know it: submitting and collecting are both upscaling."""
        name = bottleneck(self._pipeline.meters)
        return "upscale" if name == "submit" else name

    def _commit(self) -> Path:
        times = self._pts.seconds(self._plan.time_base)
        return commit_checked(self._sink, times, self._plan.settings.overwrite)

    def _check_counts(self) -> None:
        decoded = self._reader.frames * self._plan.frames_per_decoded
        skipped = self._segments.skip.frames if self._segments else 0  # fewer than finished if the job was stopped
        upscaled, written = self._resumed + self._submit.frames, self._sink.muxed[0]
        submitted = skipped + self._submit.frames + self._submit.left_out
        if decoded != submitted or not upscaled == self._frames == written:
            counts = f"{decoded} frames were decoded, {submitted} submitted, {upscaled} upscaled, {written} written"
            kept = self._sink.keep_partial()
            raise UprezError(f"{self._plan.media.path}: {counts}: a bug, please report it; kept as {kept}")

    def _no_output(self, stopped: bool) -> UprezError:
        """The reason why there is no output."""
        path = self._plan.media.path
        if stopped:
            first = "segment was finished" if self._frames else "frame"
            return Cancelled(f"{path}: stopped before the first {first}; nothing was written")
        if self._reader.decoded:
            ends = f"the source ends at {self._reader.end:.3f} s"
            return InputError(f"{path}: has no frame in the requested part ({ends}); nothing was written")
        return InputError(f"{path}: no frame of its video could be decoded; nothing was written")

    def _keep_finished_part(self) -> str:
        """Keep the finished part, which may be hours of work. Returns where it is; empty if there is none to keep."""
        if self._segments:
            kept = f"the same command continues after the finished part, {self._segments.folder}"
            return kept if self._segments.frames and self._segments.is_pending else ""
        if not self._encoder.packets or not self._sink.is_pending:
            return ""
        try:
            return f"the finished part is kept as {self._sink.keep_partial()}"
        except OutputError as error:
            return str(error)

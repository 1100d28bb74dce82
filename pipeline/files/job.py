"""The wiring of a file's job.

    FileSource ─▶ Decoder ─▶ Order ─▶ Trim ─▶ Deinterlace ─▶ Turn ─▶ Submit ─▶ Collect ─▶ Encoder ─▶ FileSink
                 [                     decode                    ] [submit]  [upscale]       [encode]
                                                                                          [fan-0, 1, …]

- The threads are in brackets, one more for each of several encoders. Deinterlace and Turn are there where they are
  needed.
- Who sends what: the source's packets enter the first thread. Video becomes Frames, which become Pendings, Frames
  again (large), packets again; the packets of other streams travel among them, in their place, to the sink. Only
  frames count against the channels' capacity, so that a dense audio track can't starve the picture.
- Who closes what: the source's end travels down the line (flow/pipeline.py); each stage finishes its part: the decoder
  and the encoder are drained, the sink is closed by `upscale`, after all threads have ended. Where an excerpt ends
  before the source does, Trim ends the source.
- Damage in the source ends nothing: what can be read comes out, and the result says what it lacks. Unless it is
  --strict, when the first sign of damage is an error.
- The first error aborts the line and is raised here. What was done is kept as NAME.partial.mkv where the source or the
  device failed; else the unfinished file is removed. `Job.stop` (the first Ctrl-C) submits nothing more, drains the
  line and keeps the part too; `Job.abort` (the second) keeps nothing.
- A file gets its name when it has been read again, and has as many frames as went into it, each at its time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from pipeline.config.renames import with_current_names
from pipeline.config.settings import Settings
from pipeline.config.upscale_options import UpscaleOptions
from pipeline.errors import BackendError, Cancelled, InputError, OutOfMemory, OutputError, UprezError
from pipeline.files.destination import check_target
from pipeline.files.plan import Plan, make_plan
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.flow.telemetry import OnProgress, Progress, bottleneck
from pipeline.frame import Frame
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.frame_reader import FrameReader, PtsRecorder
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.encoding.pad import Pad
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Source
from pipeline.media.writing.result_kind import Sink, open_sink
from pipeline.superres.session import Session
from pipeline.superres.sessions import open_session
from pipeline.superres.stages import Collect, Pending, Submit
from pipeline.system import host
from pipeline.system.cuda import Gpu
from pipeline.verification.packet_count import recount


@dataclass(frozen=True)
class Result:
    """What came of a job.

    complete: False if it was stopped before the end; `path` then says so too. whole: False if the source was damaged or
    cut off; then it holds all that could be decoded. lost, damaged: how many frames are missing, or show damage.
    seconds: from the first packet to the finished file. notes: what the plan had to say. findings: what turned out.
    """

    path: Path
    frames_in: int
    frames_out: int
    complete: bool
    whole: bool
    lost: int
    damaged: int
    seconds: float
    backend: str
    bottleneck: str
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        return self.frames_out / self.seconds if self.seconds else 0.0


class Job:
    """A handle on work under way, for other threads and signal handlers."""

    def __init__(self) -> None:
        self._line: Pipeline | None = None
        self.stopped = False
        self.aborted = False

    @property
    def running(self) -> bool:
        """Whether work is under way."""
        return self._line is not None

    def stop(self) -> None:
        """End early, with a playable file."""
        self.stopped = True
        if self._line:
            self._line.stop()

    def abort(self) -> None:
        """End at once, with nothing."""
        self.aborted = True
        if self._line:
            self._line.abort()

    @contextlib.contextmanager
    def at_work_on(self, line: Pipeline) -> Iterator[None]:
        """`line` is what `stop` and `abort` act on inside; one that was called before counts too."""
        self._line = line
        if self.aborted:
            raise Cancelled("aborted before the first frame")
        if self.stopped:
            line.stop()
        try:
            yield
        finally:
            self._line = None


def weights(settings: Settings) -> Callable[[Any], int]:
    """How much of a channel's capacity an item takes: frames count, compressed packets don't."""
    surface = nvdec.queue_weight(settings.queue)

    def weight(item: Any) -> int:
        if isinstance(item, Frame):
            return surface if item.device_planes else 1
        return 1 if isinstance(item, Pending) else 0

    return weight


def upscale(
    source: str | Path,
    sink: str | Path | None = None,
    settings: Settings | None = None,
    *,
    progress: OnProgress | None = None,
    job: Job | None = None,
    **options: Unpack[UpscaleOptions],
) -> Result:
    """Upscale the video file `source` into `sink`, a file or a folder (default: in.x2.mkv beside it), and wait for it.

    settings, options: a Settings, or its fields as keywords (`model="my.onnx", crf=18`). progress: called some ten
    times a second, in the calling thread. job: a handle to stop or abort from elsewhere.

    Raises a child of UprezError; an earlier file under the result's name is then as it was.
    """
    given = with_current_names(options)
    if settings is not None:
        given = settings.model_dump(exclude_unset=True) | given
    settings = Settings.load(None, **given)
    plan = make_ready(Path(source), Path(sink) if sink is not None else settings.to, settings)
    return execute(plan, progress=progress, job=job)


def make_ready(source: Path, to: Path | None, settings: Settings) -> Plan:
    """Look at the source and decide what to do; `to`: a file, a folder, or None for a name beside the source.

    Raises what would make the job fail, as far as can be told before it starts.
    """
    plan = make_plan(probe(source, settings.video_stream), to, settings)
    check_target(plan)
    return plan


def open_source(plan: Plan) -> Source:
    """The source, so opened that what `plan` says decodes it."""
    if plan.media.images:
        return ImageSource(plan.media.images, plan.media.video.rate, plan.settings.strict)
    accel = nvdec.hardware_accel(Gpu(plan.settings.device[0])) if plan.decoder == "nvdec" else None
    options = ReadOptions(
        also=plan.also,
        hwaccel=accel,
        video_index=plan.media.video.index,
        strict=plan.settings.strict,
        start=plan.excerpt.start if plan.excerpt else None,
        first_pts=plan.media.video.start,
        pipe=plan.media.pipe,
    )
    return FileSource(plan.media.path, options)


def prepared(plan: Plan) -> list[Stage[Any, Any]]:
    """What makes frames as they are decoded those that the upscaler is given."""
    return preprocess(plan.decoded, plan.media.video.frame_duration, plan.deinterlacing, plan.turn)


def execute(plan: Plan, *, progress: OnProgress | None = None, job: Job | None = None) -> Result:
    """Do what `plan` says."""
    with _room(plan), contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(plan))
        sink = open_sink(plan.target, plan.encoding, source, plan.also, plan.shift, plan.until)
        stack.enter_context(sink)
        session = stack.enter_context(open_session(plan.backend, plan.model, plan.given, plan.settings, plan.made))
        return _Flow(plan, source, session, sink).run(progress, job or Job())


@contextlib.contextmanager
def _room(plan: Plan) -> Iterator[None]:
    """Raise OutOfMemory where main memory has no room."""
    try:
        yield
    except MemoryError as error:
        needed = f"about {plan.memory / 1e9:.1f} GB are needed, {host.available_memory() / 1e9:.1f} GB are free"
        raise OutOfMemory(
            f"{plan.media.path}: main memory has no room: {needed}; --queue and --slots take less"
        ) from error


class _Flow:
    """The line of a job, and what is asked of its parts when it has come to rest."""

    def __init__(self, plan: Plan, source: Source, session: Session[Any], sink: Sink) -> None:
        self._plan, self._source, self._session, self._sink = plan, source, session, sink
        self._intake = FrameReader(source, plan.decoded, plan.excerpt, plan.also)
        self._submit = Submit(session)
        self._shown = PtsRecorder()
        self._encoder = sink.encoder(plan.time_base)
        stages = {
            "decode": Chain(self._intake, *prepared(plan)),
            "submit": self._submit,
            "upscale": Collect(session),
            "encode": Chain(self._shown, Pad(plan.encoding.format), self._encoder, sink),
        }
        end = source.stop if plan.media.pipe else None
        self.line = Pipeline(source, stages, plan.settings.queue, weights(plan.settings), end=end)
        self._began = time.monotonic()

    def run(self, progress: OnProgress | None, job: Job) -> Result:
        """Let it all flow, and give the result its name."""

        def tell() -> None:
            if progress:
                done, total = self._encoder.begun, self._plan.frames or 0
                progress(Progress(done, total, time.monotonic() - self._began, self._wall))

        with job.at_work_on(self.line):
            try:
                self.line.start()
                self.line.wait(tell)
                stopped = self.line.was_cut or self._submit.left_out > 0
                if not stopped:
                    self._intake.check_missing_frames()
                    self._source.damage.add(damaged_packets=self._sink.damaged)
            except (InputError, BackendError) as error:
                raise self._with_what_was_done(error) from error
        self._check_counts()
        if not self._encoder.frames:
            raise self._nothing(stopped)
        path = self._sink.keep_partial() if stopped else self._named()
        tell()
        return self._result(path, complete=not stopped)

    def _result(self, path: Path, complete: bool) -> Result:
        damage = self._source.damage
        return Result(
            path=path,
            frames_in=self._intake.frames,
            frames_out=self._encoder.frames,
            complete=complete,
            whole=damage.is_empty,
            lost=damage.lost_frames,
            damaged=damage.damaged_frames,
            seconds=time.monotonic() - self._began,
            backend=self._session.backend,
            bottleneck=self._wall,
            notes=self._plan.notes,
            findings=(*self._intake.findings(), *self._sink.dropped, *self._sink.remarks, *self._moved()),
        )

    def _moved(self) -> Iterator[str]:
        if self._sink.repaired:
            yield f"packets of other streams whose time did not advance were moved on ({self._sink.repaired})"

    @property
    def _wall(self) -> str:
        """The stage that limits the rate, as users know it: submitting and collecting are both upscaling."""
        name = bottleneck(self.line.meters)
        return "upscale" if name == "submit" else name

    def _named(self) -> Path:
        """Give the finished file its name, once it has been read again and found to hold what went into it."""
        made, fault = self._sink.finished(), ""
        try:
            if made:
                shown = self._shown.seconds(self._plan.time_base)
                fault = next((found.message for found in recount(made, shown, self._sink.copied)), "")
        except InputError as error:
            fault = str(error)
        if fault:
            kept = self._sink.keep_partial()
            raise OutputError(f"{self._plan.target}: did not take all that was written ({fault}); it is kept as {kept}")
        return self._sink.commit(self._plan.settings.overwrite)

    def _check_counts(self) -> None:
        came = self._intake.frames * self._plan.times
        upscaled, left_out = self._submit.frames, self._submit.left_out
        written = self._sink.muxed[0]
        if came != upscaled + left_out or not upscaled == self._encoder.frames == written:
            counts = f"{came} frames came in, {upscaled} were upscaled, {written} went out"
            kept = self._sink.keep_partial()
            raise UprezError(f"{self._plan.media.path}: {counts}: a bug, please report it; kept as {kept}")

    def _nothing(self, stopped: bool) -> UprezError:
        """Why there is no result."""
        path = self._plan.media.path
        if stopped:
            return Cancelled(f"{path}: stopped before the first frame; nothing was written")
        if self._intake.decoded:
            ends = f"the source ends at {self._intake.end:.3f} s"
            return InputError(f"{path}: has no frame in the part that was asked for ({ends}); nothing was written")
        return InputError(f"{path}: not one frame of its video could be decoded; nothing was written")

    def _with_what_was_done(self, error: UprezError) -> UprezError:
        """`error`, having kept the part that was done: hours of work may lie in it."""
        if not self._encoder.packets:
            return error
        return type(error)(f"{error}; what was done is kept as {self._sink.keep_partial()}")

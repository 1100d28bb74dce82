"""The wiring of a file's job.

    FileSource ─▶ Decoder ─▶ Submit ─▶ Collect ─▶ Encoder ─▶ FileSink
                 [decode]   [submit]  [upscale]       [encode]            threads, in brackets
                                                    [fan-0, 1, …]         and one for each of several encoders

- Who sends what: the source's packets enter the first thread. Video becomes Frames, which become Pendings, Frames
  again (large), packets again; the packets of other streams travel among them, in their place, to the sink. Only
  frames count against the channels' capacity, so that a dense audio track can't starve the picture.
- Who closes what: the source's end travels down the line (flow/line.py); each stage finishes its part: the decoder
  and the encoder are drained, the sink is closed by `upscale`, after all threads have ended.
- The first error aborts the line and is raised here. What was done is kept as NAME.partial.mkv where the source or the
  device failed, or the source ended before its own index says; else the unfinished file is removed. `Job.stop` (the
  first Ctrl-C) submits nothing more, drains the line and keeps the part too; `Job.abort` (the second) keeps nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.cuda import Gpu
from pipeline.errors import BackendError, Cancelled, InputError, UprezError
from pipeline.flow.line import Line
from pipeline.flow.stage import Chain
from pipeline.frame import Frame
from pipeline.media import nvdec
from pipeline.media.decode import Decoder
from pipeline.media.probe import probe
from pipeline.media.sink import FileSink, VideoEncoder
from pipeline.media.source import FileSource
from pipeline.plan import Plan, check_target, make_plan
from pipeline.settings import Settings
from pipeline.superres.open import open_session
from pipeline.superres.session import Session
from pipeline.superres.stages import Collect, Pending, Submit
from pipeline.telemetry import OnProgress, Progress, bottleneck


@dataclass(frozen=True)
class Result:
    """What came of a job.

    complete: False if it was stopped before the end; `path` then says so too. seconds: from the first packet to the
    finished file. notes: what the plan had to say. findings: what turned out on the way.
    """

    path: Path
    frames_in: int
    frames_out: int
    complete: bool
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
        self._line: Line | None = None
        self.stopped = False
        self.aborted = False

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
    def at_work_on(self, line: Line) -> Iterator[None]:
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
    surface = nvdec.weight(settings.queue)

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
    **options: Any,
) -> Result:
    """Upscale the video file `source` into `sink`, a file or a folder (default: in.x2.mkv beside it), and wait for it.

    settings, options: a Settings, or its fields as keywords (`model="my.onnx", crf=18`). progress: called some ten
    times a second, in the calling thread. job: a handle to stop or abort from elsewhere.

    Raises a child of UprezError; an earlier file under the result's name is then as it was.
    """
    settings = settings or Settings.load(None, **options)
    plan = make_ready(Path(source), Path(sink) if sink is not None else settings.to, settings)
    return execute(plan, progress=progress, job=job)


def make_ready(source: Path, to: Path | None, settings: Settings) -> Plan:
    """Look at the source and decide what to do; `to`: a file, a folder, or None for a name beside the source.

    Raises what would make the job fail, as far as can be told before it starts.
    """
    plan = make_plan(probe(source), to, settings)
    check_target(plan)
    return plan


def open_source(plan: Plan) -> FileSource:
    """The file, so opened that what `plan` says decodes it."""
    accel = nvdec.accel(Gpu(plan.settings.device[0])) if plan.decoder == "nvdec" else None
    return FileSource(plan.media.path, plan.also, accel)


def execute(plan: Plan, *, progress: OnProgress | None = None, job: Job | None = None) -> Result:
    """Do what `plan` says."""
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(plan))
        sink = stack.enter_context(FileSink(plan.target, plan.encoding, source, plan.also, plan.shift))
        session = stack.enter_context(
            open_session(plan.backend, plan.model, plan.decoded, plan.settings, plan.encoding.format.pixel)
        )
        return _flow(plan, source, session, sink, progress, job or Job())


def _flow(
    plan: Plan, source: FileSource, session: Session[Any], sink: FileSink, progress: OnProgress | None, job: Job
) -> Result:
    video = plan.media.video
    decoder = Decoder(source.path, source.video, plan.decoded)
    submit = Submit(session)
    encoder = sink.encoder(video.time_base)
    stages = {"decode": decoder, "submit": submit, "upscale": Collect(session), "encode": Chain(encoder, sink)}
    line = Line(source, stages, plan.settings.queue, weights(plan.settings))
    began = time.monotonic()

    def tell() -> None:
        if progress:
            seconds = time.monotonic() - began
            progress(Progress(encoder.begun, video.frames or 0, seconds, _wall(line)))

    with job.at_work_on(line):
        try:
            line.start()
            line.wait(tell)
        except (InputError, BackendError) as error:
            raise _with_what_was_done(error, encoder, sink) from error
    stopped = line.was_cut or submit.left_out > 0
    _check_counts(plan, decoder, submit, encoder)
    if not encoder.frames:
        if stopped:
            raise Cancelled(f"{plan.media.path}: stopped before the first frame; nothing was written")
        raise InputError(f"{plan.media.path}: not one frame of its video could be decoded; nothing was written")
    if not stopped and (lack := source.lack(decoder.packets, decoder.end)):
        kept = sink.keep_partial()
        raise InputError(f"{plan.media.path}: is cut off or damaged ({lack}); what could be read is kept as {kept}")
    path = sink.keep_partial() if stopped else sink.commit(plan.settings.overwrite)
    tell()
    return Result(
        path=path,
        frames_in=decoder.frames,
        frames_out=encoder.frames,
        complete=not stopped,
        seconds=time.monotonic() - began,
        backend=session.backend,
        bottleneck=_wall(line),
        notes=plan.notes,
        findings=tuple(_findings(decoder, sink)),
    )


def _wall(line: Line) -> str:
    """The stage that limits the rate, as users know it: submitting and collecting are both upscaling."""
    name = bottleneck(line.meters)
    return "upscale" if name == "submit" else name


def _check_counts(plan: Plan, decoder: Decoder, submit: Submit, encoder: VideoEncoder) -> None:
    path = plan.media.path
    if decoder.frames != submit.frames + submit.left_out or submit.frames != encoder.frames:
        counts = f"{decoder.frames} frames came in, {submit.frames} were upscaled, {encoder.frames} went out"
        raise UprezError(f"{path}: {counts}: a bug, please report it")


def _with_what_was_done(error: UprezError, encoder: VideoEncoder, sink: FileSink) -> UprezError:
    """`error`, having kept the part that was done: hours of work may lie in it."""
    return type(error)(f"{error}; what was done is kept as {sink.keep_partial()}") if encoder.packets else error


def _findings(decoder: Decoder, sink: FileSink) -> Iterator[str]:
    """What turned out to be special about the source, a line each."""
    yield from sink.dropped
    if decoder.damaged:
        yield f"{decoder.damaged} frames are damaged in the source"
    if decoder.repaired:
        yield f"{decoder.repaired} frames whose time did not advance were moved to the next one possible"
    if sink.repaired:
        yield f"{sink.repaired} packets of other streams whose time did not advance were moved to the next one possible"

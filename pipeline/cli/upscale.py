"""`uprez upscale`: one file, many, or a folder."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipeline.cli import options as o
from pipeline.cli.console import Status, err, fail, hours, note, out, size
from pipeline.cli.exit_codes import EXIT_BAD, EXIT_DAMAGED, EXIT_STOPPED
from pipeline.cli.inputs import JobInput, resolve_inputs
from pipeline.cli.option_names import with_options
from pipeline.cli.shutdown import graceful_shutdown
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError, UprezError
from pipeline.files.destination import check_target, free_disk
from pipeline.files.estimate import encoder_rate, estimate
from pipeline.files.job import Job, execute
from pipeline.files.plan import Plan, make_plan
from pipeline.files.result import Result
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import probe

_LONG_SECONDS = 3600.0
_WORTH_TIMING = 5e8  # pixels of results: less is done soon on any machine, and need not be estimated


@dataclass
class Batch:
    """What a call has to do and how it went. failures: source and error, a pair each."""

    plans: list[Plan] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    failures: list[tuple[Path, UprezError]] = field(default_factory=list)

    def fail(self, source: Path, error: UprezError) -> None:
        self.failures.append((source, error))
        fail(str(error))


def upscale(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="A video, a picture, numbered pictures such as 'in/%05d.png', or - for a pipe; and the result's name, "
            "if you like. Or many, a folder or a pattern; --to says where the results go."
        ),
    ],
    to: o.To = None,
    config: o.Config = None,
    model: o.Model = None,
    backend: o.Backend = None,
    engine: o.Engine = None,
    device: o.Device = None,
    precision: o.Precision = None,
    vram: o.Vram = None,
    decoder: o.Decoder = None,
    deinterlace: o.Deinterlace = None,
    codec: o.Codec = None,
    pix_fmt: o.PixFmt = None,
    crf: o.Crf = None,
    preset: o.Preset = None,
    encoders: o.Encoders = None,
    extra: o.Extra = None,
    streams: o.Streams = None,
    video_stream: o.VideoStream = None,
    start: o.Start = None,
    end: o.End = None,
    frames: o.Frames = None,
    strict: o.Strict = None,
    overwrite: o.Overwrite = None,
    slots: o.Slots = None,
    contexts: o.Contexts = None,
    threads: o.Threads = None,
    queue: o.Queue = None,
    quiet: o.Quiet = None,
    as_json: o.Json = None,
) -> None:
    """Upscale videos and images.

    in.mp4 becomes in.x2.mkv, with its audio, subtitles, chapters and tags.

    Exit codes: 0 all done and whole, 2 something is wrong, 3 done, but a source is damaged, 130 stopped.
    """
    settings = o.settings(config, locals())
    hushed = settings.quiet or settings.as_json
    batch = Batch()
    job = Job()
    try:
        _prepare(batch, resolve_inputs(sources, settings.to), settings)
        if not hushed:
            _announce(batch)
        with graceful_shutdown(job if hushed else _AnnouncedStop(job), is_interruptible=lambda: not job.running):
            _work(batch, job, hushed)
    except KeyboardInterrupt:
        job.stop()
    _summarise(batch, settings)
    if job.stopped:
        raise typer.Exit(EXIT_STOPPED)
    if batch.failures:
        raise typer.Exit(EXIT_BAD)
    if not all(result.source_intact for result in batch.results):
        raise typer.Exit(EXIT_DAMAGED)


def _prepare(batch: Batch, wishes: list[JobInput], settings: Settings) -> None:
    """Make a plan for each wish; skip what is done, keep what can't be done for later."""
    taken: dict[Path, Path] = {}
    for wish in wishes:
        try:
            plan = make_plan(probe(wish.source, settings.video_stream), wish.file or _made(wish.folder), settings)
            if (other := taken.setdefault(plan.target, wish.source)) != wish.source:
                advice = "rename one, or upscale it alone, with a name for its result"
                raise SettingsError(f"{wish.source}: its result {plan.target} is that of {other} too: {advice}")
            if is_pipe(plan.target) and settings.as_json:
                raise SettingsError("--json: the video takes standard output; give the result a name")
            if os.path.exists(plan.target) and not wish.named and not settings.overwrite:
                batch.skipped.append(wish.source)
                continue
            check_target(plan)
            batch.plans.append(plan)
        except UprezError as error:
            batch.fail(wish.source, error)


def _made(folder: Path | None) -> Path | None:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--to {folder}: can't be made ({error.strerror})") from error
    return folder


def _work(batch: Batch, job: Job, quiet: bool) -> None:
    """Run the plans one after the other, until all are done or the user stops."""
    total = sum(plan.frames or 0 for plan in batch.plans)
    with Status(total, quiet) as status:
        for plan in batch.plans:
            if job.stopped:
                return
            status.begin(plan.media.path.name)
            try:
                result = execute(plan, job=job, progress=lambda at: status.update(at.done, at.rate, at.bottleneck))
            except UprezError as error:
                batch.fail(plan.media.path, error)
                continue
            status.end(result.frames_out)
            batch.results.append(result)


def _announce(batch: Batch) -> None:
    """Say what is special about the jobs, and warn of what will take hours or fill the disk."""
    for plan in batch.plans:
        for line in plan.notes:
            note(f"{plan.media.path.name}: {line}")
        if plan.disk and plan.disk > free_disk(plan):
            note(f"{plan.target}: may need {size(plan.disk)}, the disk has {size(free_disk(plan))} left")
    pixels = sum((plan.frames or 0) * _pixels(plan) for plan in batch.plans)
    if pixels > _WORTH_TIMING:
        first = batch.plans[0]
        # On a GPU the encoder is the wall of what takes long, and timing the network would hold up the start.
        rate = estimate(first).rate if first.backend == "onnx" else encoder_rate(first)
        seconds = pixels / (rate * _pixels(first))
        if seconds > _LONG_SECONDS:
            note(f"this will take about {hours(seconds)} on this machine; Ctrl-C ends it with a playable part")


def _pixels(plan: Plan) -> int:
    return plan.encoding.format.width * plan.encoding.format.height


class _AnnouncedStop:
    """Stops and aborts `job`, and says how to abort it when it stops."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def stop(self) -> None:
        self._job.stop()
        note("finishing frames in flight; press Ctrl-C again to abort")

    def abort(self) -> None:
        self._job.abort()


def _summarise(batch: Batch, settings: Settings) -> None:
    if settings.as_json:
        print(json.dumps(_summary(batch), indent=2))
    if settings.as_json or settings.quiet:
        return
    screen = err if any(is_pipe(result.path) for result in batch.results) else out
    for path in batch.skipped:
        note(f"{path.name}: done already, skipped (--overwrite does it again)")
    for result in batch.results:
        for line in result.findings:
            note(f"{result.path.name}: {line}")
        whole = "" if result.source_intact else " (all that could be read of a damaged source)"
        whole = whole if not result.stopped else " (stopped before the end)"
        frames = f"{result.frames_out} frames in {hours(result.seconds)}, {result.rate:.1f} fps"
        screen.print(escape(f"{result.path}{whole}: {frames}, {result.backend}, wall: {result.bottleneck}"))


def _summary(batch: Batch) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "done": [_told(result) for result in batch.results if not result.stopped],
        "stopped": [_told(result) for result in batch.results if result.stopped],
        "skipped": [str(path) for path in batch.skipped],
        "failed": [{"path": str(path), "error": with_options(str(error))} for path, error in batch.failures],
    }


def _told(result: Result) -> dict[str, Any]:
    return {
        "path": str(result.path),
        "frames_in": result.frames_in,
        "frames_out": result.frames_out,
        "complete": not result.stopped,
        "whole": result.source_intact,
        "lost": result.frames_lost,
        "damaged": result.frames_damaged,
        "seconds": round(result.seconds, 3),
        "rate": round(result.rate, 3),
        "backend": result.backend,
        "bottleneck": result.bottleneck,
        "notes": [with_options(line) for line in (*result.notes, *result.findings)],
    }

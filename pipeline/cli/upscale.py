"""`uprez upscale`: one file, many, or a folder."""

from __future__ import annotations

import contextlib
import glob
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import options as o
from pipeline.cli.screen import Status, fail, hours, note, out, size
from pipeline.errors import InputError, SettingsError, UprezError
from pipeline.estimate import estimate
from pipeline.media.probe import probe
from pipeline.plan import Plan, check_target, free_disk, make_plan
from pipeline.run import Job, Result, execute
from pipeline.settings import Settings

VIDEO_SUFFIXES = set(".mp4 .mkv .mov .avi .webm .m4v .ts .m2ts .mts .mpg .mpeg .vob .wmv .flv .ogv .3gp .mxf".split())
_LONG_SECONDS = 3600.0


@dataclass
class Batch:
    """What a call has to do and how it went. failures: source and error, a pair each."""

    plans: list[Plan] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    failures: list[tuple[Path, UprezError]] = field(default_factory=list)


def upscale(
    sources: Annotated[
        list[str], typer.Argument(help="A video, and the result's name if you like; or many, with --to.")
    ],
    to: Annotated[Path | None, typer.Option("--to", help="The folder for the results.")] = None,
    config: o.Config = None,
    model: o.Model = None,
    backend: o.Backend = None,
    engine: o.Engine = None,
    device: o.Device = None,
    codec: o.Codec = None,
    crf: o.Crf = None,
    preset: o.Preset = None,
    extra: o.Extra = None,
    streams: o.Streams = None,
    overwrite: o.Overwrite = None,
    slots: o.Slots = None,
    contexts: o.Contexts = None,
    threads: o.Threads = None,
    queue: o.Queue = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs.")] = False,
) -> None:
    """Upscale videos: in.mp4 becomes in.x2.mkv, audio, subtitles, chapters and tags kept."""
    settings = Settings.load(
        config,
        model=model,
        backend=backend,
        engine=engine,
        device=device,
        codec=codec,
        crf=crf,
        preset=preset,
        options=o.encoder_options(extra),
        streams=streams,
        overwrite=overwrite,
        slots=slots,
        contexts=contexts,
        threads=threads,
        queue=queue,
    )
    pairs, single = _expand(sources, to)
    batch = _prepared(pairs, settings, single)
    stopped = _work(batch, single, quiet or as_json)
    _summarise(batch, quiet, as_json)
    if stopped:
        raise typer.Exit(130)
    if batch.failures:
        raise typer.Exit(2)


def _expand(sources: list[str], to: Path | None) -> tuple[list[tuple[Path, Path | None]], bool]:
    """(source, where to) of each video, and whether a single one was named."""
    if len(sources) <= 2 and to is None and not Path(sources[0]).is_dir() and not _is_pattern(sources[0]):
        return [(Path(sources[0]), Path(sources[1]) if len(sources) == 2 else None)], True
    if len(sources) == 1 and to is not None and not Path(sources[0]).is_dir() and not _is_pattern(sources[0]):
        return [(Path(sources[0]), to)], True
    if to is not None and to.exists() and not to.is_dir():
        raise SettingsError(f"--to {to}: is a file; with several videos it names a folder")
    pairs: list[tuple[Path, Path | None]] = []
    for source in sources:
        root = Path(source)
        if root.is_dir():
            found = sorted(p for p in root.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and not _is_ours(p))
            pairs += [(p, to / p.relative_to(root).parent if to else None) for p in found]
        elif _is_pattern(source):
            pairs += [(Path(p), to) for p in sorted(glob.glob(source, recursive=True)) if not _is_ours(Path(p))]
        else:
            pairs.append((root, to))
    if not pairs:
        raise InputError(f"{', '.join(sources)}: no video there (looked for {' '.join(sorted(VIDEO_SUFFIXES))})")
    return pairs, False


def _is_pattern(source: str) -> bool:
    return glob.has_magic(source) and not Path(source).exists()


def _is_ours(path: Path) -> bool:
    """Whether `path` looks like what an earlier run made: in.x2.mkv, in.x2.partial.mkv."""
    marks = path.name.split(".")[1:-1]
    return any(mark in ("x1", "x2", "x3", "x4", "x8", "partial") or mark.startswith("part-") for mark in marks)


def _prepared(pairs: list[tuple[Path, Path | None]], settings: Settings, single: bool) -> Batch:
    batch = Batch()
    taken: dict[Path, Path] = {}
    for source, to in pairs:
        try:
            plan = make_plan(probe(source), _folder(to) if to and not single else to, settings)
            if not single and plan.target.exists() and not settings.overwrite:
                batch.skipped.append(source)
                continue
            check_target(source, plan.target, settings.overwrite)
            if plan.target in taken:
                raise SettingsError(f"{source}: its result {plan.target} is that of {taken[plan.target]} too")
            taken[plan.target] = source
            batch.plans.append(plan)
        except UprezError as error:
            if single:
                raise
            batch.failures.append((source, error))
            fail(str(error))
    return batch


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--to {path}: can't be made ({error.strerror})") from error
    return path


def _work(batch: Batch, single: bool, quiet: bool) -> bool:
    """Run the plans one after the other; True if the user stopped."""
    if not quiet:
        _announce(batch)
    total = sum(plan.media.video.frames or 0 for plan in batch.plans)
    job = Job()
    with _interruptible(job), Status(total, quiet) as status:
        for plan in batch.plans:
            status.begin(plan.media.path.name)
            try:
                result = execute(plan, job=job, progress=lambda p: status.update(p.done, p.rate, p.bottleneck))
            except UprezError as error:
                if single or job.aborted:
                    raise
                batch.failures.append((plan.media.path, error))
                fail(str(error))
                continue
            status.end(result.frames_out)
            batch.results.append(result)
            if job.stopped:
                return True
    return False


def _announce(batch: Batch) -> None:
    """Say what is special about the jobs, and warn of what will take hours or fill the disk."""
    seconds = 0.0
    for plan in batch.plans:
        for line in plan.notes:
            note(f"{plan.media.path.name}: {line}")
        if plan.disk and plan.disk > free_disk(plan):
            note(f"{plan.target}: may need {size(plan.disk)}, the disk has {size(free_disk(plan))} left")
    if batch.plans and _may_be_long(batch.plans):
        first = batch.plans[0]
        pixel_rate = estimate(first).rate * first.encoding.format.width * first.encoding.format.height
        seconds = sum(
            (p.media.video.frames or 0) * p.encoding.format.width * p.encoding.format.height / pixel_rate
            for p in batch.plans
        )
    if seconds > _LONG_SECONDS:
        note(f"this will take about {hours(seconds)} on this machine; Ctrl-C ends it with a playable part")


def _may_be_long(plans: list[Plan]) -> bool:
    """Whether timing the model is worth its second: not for a clip that the slowest machine finishes soon."""
    return sum((p.media.video.frames or 0) * p.encoding.format.width * p.encoding.format.height for p in plans) > 5e8


@contextlib.contextmanager
def _interruptible(job: Job) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) stops `job` with a playable file, the second aborts it."""

    def interrupt(number: int, frame: Any) -> None:
        if job.stopped:
            job.abort()
        else:
            note("finishing what was begun; once more aborts")
            job.stop()

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, interrupt) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _summarise(batch: Batch, quiet: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_summary(batch), indent=2))
        return
    if quiet:
        return
    for path in batch.skipped:
        note(f"{path.name}: done already, skipped (--overwrite does it again)")
    for result in batch.results:
        for line in result.dropped:
            note(f"{result.path.name}: {line}")
        whole = "" if result.complete else " (stopped before the end)"
        frames = f"{result.frames_out} frames in {hours(result.seconds)}, {result.rate:.1f} fps"
        out.print(f"{result.path}{whole}: {frames}, {result.backend}, wall: {result.bottleneck}")


def _summary(batch: Batch) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "done": [
            {
                "path": str(r.path),
                "frames_in": r.frames_in,
                "frames_out": r.frames_out,
                "complete": r.complete,
                "seconds": round(r.seconds, 3),
                "rate": round(r.rate, 3),
                "backend": r.backend,
                "bottleneck": r.bottleneck,
                "notes": [*r.notes, *r.dropped],
            }
            for r in batch.results
        ],
        "skipped": [str(path) for path in batch.skipped],
        "failed": [{"path": str(path), "error": str(error)} for path, error in batch.failures],
    }

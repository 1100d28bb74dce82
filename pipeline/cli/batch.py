"""The jobs of a call of `uprez upscale`: planned, run one after the other, and summarised."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from rich.markup import escape

from pipeline.cli.console import Status, counted, err, fail, hours, note, out, size
from pipeline.cli.inputs import JobInput, resolve_inputs
from pipeline.cli.option_names import with_options
from pipeline.cli.printable import printable
from pipeline.cli.shutdown import graceful_shutdown
from pipeline.cli.standard_streams import take_write_error
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError, UprezError
from pipeline.files.destination import check_earlier_output, check_target, free_disk
from pipeline.files.durable.work_folder import WorkInProgress
from pipeline.files.estimate import encoder_rate, estimate
from pipeline.files.job import Job, execute
from pipeline.files.plan import Plan, make_plan
from pipeline.files.result import Result
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import probe

log = logging.getLogger(__name__)

LONG_JOB_SECONDS = 3600.0
ESTIMATED_PIXELS = 5e8  # of outputs: fewer are soon done on any machine, and need no estimate


class Batch:
    """The jobs of one call.

    Attributes:
        job: The handle that stops and aborts whichever job runs.
        skipped: Sources whose outputs exist already.
        results: Outcomes of the jobs that ended, in order.
        failures: Source and error of the jobs that failed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_silent = settings.quiet or settings.as_json
        self._plans: list[Plan] = []
        self._is_named = False  # the only source was given by its name
        self.job = Job()
        self.skipped: list[Path] = []
        self.results: list[Result] = []
        self.failures: list[tuple[Path, UprezError]] = []

    def process(self, sources: list[str]) -> None:
        """Plan and run the jobs of `sources`; a signal stops it. Failures are printed and kept in `failures`."""
        try:
            self._plan(resolve_inputs(sources, self._settings.to))
            if not self._is_silent:
                _announce(self._plans)
            work = self.job if self._is_silent else _AnnouncedStop(self.job)
            with graceful_shutdown(work, is_interruptible=lambda: not self.job.running):
                self._run()
        except KeyboardInterrupt:
            self.job.stop()

    def summarise(self) -> None:
        """Print the outcome of each job, as JSON if the settings say so."""
        if self._settings.as_json:
            print(json.dumps(self._as_json(), indent=2))
        if not self._is_silent:
            self._summarise_for_people()

    def _summarise_for_people(self) -> None:
        console = err if any(is_pipe(result.path) for result in self.results) else out
        for path in self.skipped:
            note(f"{path.name}: skipped, its output exists (--overwrite replaces it)")
        for result in self.results:
            for line in result.findings:
                note(f"{result.path.name}: {line}")
            console.print(escape(printable(_summary_line(result), one_line=True)))
        if error := take_write_error(sys.stdout):  # the outputs are complete nevertheless
            note(f"the summary can't be written to standard output ({error.strerror})")

    def _plan(self, inputs: list[JobInput]) -> None:
        """Make a plan for each input whose output does not exist already; print the errors of the others."""
        sources: dict[Path, Path] = {}  # by their outputs
        for each in inputs:
            try:
                plan = make_plan(
                    probe(each.source, self._settings.video_stream), each.file or _folder(each.folder), self._settings
                )
                other = sources.setdefault(plan.target, each.source)
                if other != each.source:
                    advice = "rename one, or upscale it alone and name its output"
                    raise SettingsError(f"{each.source}: its output {plan.target} is that of {other} too; {advice}")
                if is_pipe(plan.target) and self._settings.as_json:
                    raise SettingsError("--json: standard output is taken by the video; give the output a name")
                if os.path.exists(plan.target) and not each.named and not self._settings.overwrite:
                    check_earlier_output(plan)
                    self.skipped.append(each.source)
                    continue
                check_target(plan)
                self._plans.append(plan)
                self._is_named = each.named
            except UprezError as error:
                self._fail(each.source, error)
            except Exception as error:  # a bug: the other files are converted all the same
                self._fail(each.source, _unforeseen(each.source, error))

    def _run(self) -> None:
        """Run the plans one after the other, until all are done or the job is stopped."""
        total = sum(plan.frames or 0 for plan in self._plans)
        with Status(total, self._is_silent) as status:
            for plan in self._plans:
                if self.job.stopped:
                    return
                status.begin(plan.media.path.name)
                try:
                    if self._was_done_meanwhile(plan):
                        continue
                    result = execute(plan, job=self.job, progress=status.update)
                except WorkInProgress as error:
                    if self._is_named:
                        self._fail(plan.media.path, error)
                    else:
                        note(f"{plan.media.path.name}: skipped: {error}")
                    continue
                except UprezError as error:
                    self._fail(plan.media.path, error)
                    continue
                except Exception as error:  # a bug: the other files are converted all the same
                    self._fail(plan.media.path, _unforeseen(plan.media.path, error))
                    continue
                status.end(result.frames_out, result.frames_resumed)
                self.results.append(result)

    def _was_done_meanwhile(self, plan: Plan) -> bool:
        """Return True if another process has finished the output since it was planned: two may share a folder."""
        if self._is_named or self._settings.overwrite or not os.path.exists(plan.target):
            return False
        check_earlier_output(plan)
        self.skipped.append(plan.media.path)
        return True

    def _fail(self, source: Path, error: UprezError) -> None:
        self.failures.append((source, error))
        fail(str(error))

    def _as_json(self) -> dict[str, Any]:
        return {
            "schema_version": 1,
            "done": [_result_as_json(result) for result in self.results if not result.stopped],
            "stopped": [_result_as_json(result) for result in self.results if result.stopped],
            "skipped": [str(path) for path in self.skipped],
            "failed": [{"path": str(path), "error": with_options(str(error))} for path, error in self.failures],
        }


def _unforeseen(source: Path, error: Exception) -> UprezError:
    """Log the traceback of an unexpected `error` of the job of `source`, and return it as a bug."""
    log.error("%s: the traceback for the bug report", source, exc_info=error)
    what = "; ".join([*str(error).splitlines(), *getattr(error, "__notes__", ())]) or "no message"
    return UprezError(f"{source}: {type(error).__name__} ({what}): a bug, please report it with the traceback")


class _AnnouncedStop:
    """Stops and aborts `job`, and prints how to abort it once it is stopped."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def stop(self) -> None:
        self._job.stop()
        note("finishing frames in flight; press Ctrl-C again to abort")

    def abort(self) -> None:
        self._job.abort()


def _folder(path: Path | None) -> Path | None:
    """`path`, created if it doesn't exist."""
    try:
        if path is not None:
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"`to` {path}: the folder can't be created ({error.strerror})") from error
    return path


def _announce(plans: list[Plan]) -> None:
    """Print the notes of the plans, and warn of jobs that take hours or may fill the disk."""
    for plan in plans:
        for line in plan.notes:
            note(f"{plan.media.path.name}: {line}")
        if plan.disk and plan.disk > free_disk(plan):
            note(f"{plan.target}: may need {size(plan.disk)}, the disk has {size(free_disk(plan))} left")
    pixels = sum((plan.frames or 0) * _output_pixels(plan) for plan in plans)
    if pixels > ESTIMATED_PIXELS:
        first = plans[0]
        # On a GPU the encoder is the bottleneck of long jobs, and timing the network would delay the start.
        rate = estimate(first).rate if first.backend == "onnx" else encoder_rate(first)
        seconds = pixels / (rate * _output_pixels(first))
        if seconds > LONG_JOB_SECONDS:
            end = "the same command continues it" if first.segment_frames else "Ctrl-C ends it with a playable file"
            note(f"this will take about {hours(seconds)} on this machine; {end}")


def _output_pixels(plan: Plan) -> int:
    """Pixels of one frame of the output."""
    return plan.encoding.format.width * plan.encoding.format.height


def _summary_line(result: Result) -> str:
    state = "" if result.source_intact else " (all that can be decoded of a damaged source)"
    state = " (stopped before the end)" if result.stopped else state
    resumed = f", {result.frames_resumed} of them by earlier runs" if result.frames_resumed else ""
    repeated = counted(result.frames_repeated, "repeated frame")
    repeats = f", {repeated}, upscaled once" if result.frames_repeated else ""
    frames = (
        f"{counted(result.frames_out, 'frame')}{resumed} in {hours(result.seconds)}, {result.rate:.1f} fps{repeats}"
    )
    return f"{result.path}{state}: {frames}, {result.backend}, bottleneck: {result.bottleneck}"


def _result_as_json(result: Result) -> dict[str, Any]:
    return {
        "path": str(result.path),
        "frames_in": result.frames_in,
        "frames_out": result.frames_out,
        "frames_repeated": result.frames_repeated,
        "frames_resumed": result.frames_resumed,
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

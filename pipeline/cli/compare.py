"""`uprez compare`: several models on a piece of a video, or finished files, as a table and on a web page."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipeline.cli.console import err, note, out, size
from pipeline.cli.exit_codes import EXIT_BAD
from pipeline.cli.option_names import with_options
from pipeline.cli.options import SESSION_OPTIONS, Json, time_of, with_settings
from pipeline.config.settings import Settings
from pipeline.diagnostics.comparison.comparison import Comparison, ComparisonOptions, compare_files, compare_models
from pipeline.diagnostics.comparison.page import comparison_page
from pipeline.diagnostics.comparison.report import ComparisonReport, ComparisonRow
from pipeline.diagnostics.output_file import check_output_file, name_beside, write_output_file
from pipeline.errors import OutputError, SettingsError

_SECONDS = Fraction(2)  # of a clip that models are compared on, by default


Sources = Annotated[
    list[Path], typer.Argument(help="A video for --models; or finished files, to compare with each other.")
]
Models = Annotated[
    str | None, typer.Option("--models", help="Models to run on the video: names or files, such as a,b.onnx.")
]
At = Annotated[str | None, typer.Option("--at", help="Begin at this time, counted from the first frame, such as 1:00.")]
Seconds = Annotated[
    str | None, typer.Option("--seconds", help="Duration of the piece (default: 2 with --models, else all).")
]
Reference = Annotated[Path | None, typer.Option("--reference", help="The original, against which quality is measured.")]
Every = Annotated[
    int | None, typer.Option("--every", min=1, help="Show every Nth frame (default: spread over the piece).")
]
Page = Annotated[Path | None, typer.Option("--page", help="The page's file (default: NAME.compare.html).")]
Save = Annotated[Path | None, typer.Option("--save", help="Write the figures as JSON to this file.")]


@with_settings(*SESSION_OPTIONS, "deinterlace", "video_stream", "strict", "overwrite")
def compare(
    sources: Sources,
    *,
    settings: Settings,
    models: Models = None,
    at: At = None,
    seconds: Seconds = None,
    reference: Reference = None,
    every: Every = None,
    page: Page = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Compare models on a video, or finished files, on a web page.

    The page is one file: a divider between any two images, zoom, frame by frame, and frames/s of each model. With
    a reference, it also has PSNR and SSIM on luma, and flicker. Bicubic resampling is always compared with models.

    Exit codes: 0 done, 2 an error, or a model could not be used; the page has the reason.
    """
    names = _check(sources, models, reference)
    page = page or name_beside(sources[0], "compare.html")
    _check_outputs(page, save, [*sources, *([reference] if reference else [])], settings.overwrite)
    options = ComparisonOptions(_with_times(settings, at, seconds, bool(names)), reference, every)
    comparison = _write_page(page, sources, names, options)
    if save:
        text = comparison.report.model_dump_json(indent=2) + "\n"
        write_output_file(save, text.encode(), settings.overwrite)
    _report(comparison, page, as_json)
    if any(row.failure for row in comparison.report.rows):
        raise typer.Exit(EXIT_BAD)


def _check(sources: list[Path], models: str | None, reference: Path | None) -> list[str]:
    """The names of the models; none to compare finished files. Raises SettingsError if neither was requested."""
    names = [name.strip() for name in (models or "").split(",") if name.strip()]
    if models is not None and not names:
        raise SettingsError("`models` is empty: name some, such as clear-x2; `uprez models` lists them")
    if names and len(sources) > 1:
        raise SettingsError(
            f"`models` are compared on one video, not on {len(sources)}; without it, files are compared"
        )
    if not names and len(sources) == 1 and not reference:
        raise SettingsError(f"{sources[0]}: nothing to compare it with: add `models`, `reference`, or another file")
    return names


def _check_outputs(page: Path, save: Path | None, inputs: list[Path], overwrite: bool) -> None:
    """Raise OutputError, before any work, for files that can't be written, or that would replace an input."""
    check_output_file(page, inputs, overwrite)
    if save:
        check_output_file(save, inputs, overwrite)
        if os.path.realpath(save) == os.path.realpath(page):
            raise OutputError(f"--save {save}: is the page's file as well; give it another name")


def _with_times(settings: Settings, at: str | None, seconds: str | None, with_models: bool) -> Settings:
    """The settings with the start and the end of the piece. Raises SettingsError."""
    start, duration = time_of("--at", at), time_of("--seconds", seconds)
    if duration == 0:
        raise SettingsError(f"--seconds {seconds}: should be more than 0")
    if duration is None and with_models:
        duration = _SECONDS
    end = None if duration is None else (start or 0) + duration
    return settings.model_copy(update={"start": start, "end": end})


def _write_page(page: Path, sources: list[Path], models: list[str], options: ComparisonOptions) -> Comparison:
    """Compare, with the progress on the terminal, and write the page."""
    with err.status("") as status:

        def step(text: str) -> None:
            status.update(escape(text))

        if models:
            comparison = compare_models(sources[0], models, options, step)
        else:
            comparison = compare_files(sources, options, step)
        step("writing the page")
        write_output_file(page, comparison_page(comparison), options.settings.overwrite)
    return comparison


def _report(comparison: Comparison, page: Path, as_json: bool) -> None:
    """Print the figures."""
    if as_json:
        print(comparison.report.model_dump_json(indent=2))
        return
    out.print(_table(comparison.report))
    for line in comparison.report.notes:
        note(line)
    out.print(f"{escape(str(page))}: {size(page.stat().st_size)}, open it in a browser")


def _table(report: ComparisonReport) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    quality = ("PSNR-Y", "SSIM", "flicker") if report.reference else ()
    for column in ("scale", "frames/s", *quality):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in report.rows:
        figures = [_text(row.psnr, 2), _text(row.ssim, 4), _text(row.flicker, 3)] if report.reference else []
        scale = f"x{row.scale}" if row.scale else ""
        table.add_row(escape(row.name), scale, _text(row.rate, 1), *figures, escape(_remark(row)))
    return table


def _text(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _remark(row: ComparisonRow) -> str:
    if row.failure:
        return with_options(row.failure)
    if row.kind == "reference":
        return "the reference"
    return f"{row.missing} frames without a counterpart" if row.missing else ""

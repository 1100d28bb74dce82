"""`uprez bench`: the speed of each stage alone, and of all together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from pipeline.cli.bench_engines import SECONDS, bench_engines
from pipeline.cli.console import err, facts, note, out
from pipeline.cli.options import Json, even_frame_size, with_settings
from pipeline.cli.report_files import check_reports, write_report
from pipeline.config.settings import Settings, Upscaling
from pipeline.diagnostics.benchmark import BenchmarkOptions, benchmark
from pipeline.diagnostics.engine_report import EngineReport
from pipeline.diagnostics.report import BenchmarkReport
from pipeline.errors import InputError, SettingsError
from pipeline.flow.telemetry import Trace
from pipeline.superres.backend_choice import choose_backend

_CONDITIONS = ("processor", "cores", "gpu", "clip", "source", "result", "model", "backend", "encoder")
_SECONDS = 5.0  # of each measurement, by default
_GPU_SIZE, _CPU_SIZE = (1920, 1080), (320, 180)
_EXCLUDED = ("deinterlace", "dedup", "size")  # every frame is upscaled, and --size is that of the clip
_MEASURED = [name for name in Upscaling.model_fields if name not in _EXCLUDED]


@with_settings(*_MEASURED, "decoders", "encoders", "queue")
def bench(
    source: Annotated[Path | None, typer.Argument(help="A video; by default a clip is generated.")] = None,
    *,
    settings: Settings,
    size: Annotated[str | None, typer.Option("--size", help="WIDTHxHEIGHT of the clip that is generated.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Duration of each measurement.")] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Measure nothing with an encoder.")] = False,
    compare: Annotated[Path | None, typer.Option("--compare", help="An earlier report, to compare with.")] = None,
    save: Annotated[Path | None, typer.Option("--save", help="Write the report as JSON to this file.")] = None,
    trace: Annotated[
        Path | None, typer.Option("--trace", help="Write a trace for ui.perfetto.dev to this file.")
    ] = None,
    engines: Annotated[bool, typer.Option("--engines", help="Compare all engines on this GPU instead.")] = False,
    as_json: Json = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of reports and exit.")] = False,
) -> None:
    """Measure the speed of each stage and of all together.

    All stages together are measured with the output discarded, then encoded. Each measurement takes 5 seconds, or
    0.3 with --engines, which runs several networks at two sizes unless --model and --size are given.
    """
    if schema:
        print(json.dumps((EngineReport if engines else BenchmarkReport).model_json_schema(), indent=2))
        return
    check_reports({"--save": save, "--trace": trace}, source)
    pixels = even_frame_size("--size", size, 16, 8192) if size else None
    if engines:
        _refuse_with_engines({"SOURCE": source, "--discard": discard, "--compare": compare, "--trace": trace})
        bench_engines(settings, pixels, seconds or SECONDS, save, as_json)
        return
    earlier = _read(compare) if compare else None
    report = _measure(source, settings, pixels, seconds or _SECONDS, discard, trace)
    if save:
        write_report("--save", save, report.model_dump_json(indent=2) + "\n")
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        _print(report, earlier)


def _measure(
    source: Path | None,
    settings: Settings,
    size: tuple[int, int] | None,
    seconds: float,
    discard: bool,
    trace: Path | None,
) -> BenchmarkReport:
    """Measure all stages, with the progress on the terminal, and write the trace."""
    recorded = Trace() if trace else None
    size = size or (_GPU_SIZE if choose_backend(settings)[0] == "tensorrt" else _CPU_SIZE)
    with err.status("") as status:
        options = BenchmarkOptions(settings, source, size, seconds, not discard, recorded)
        report = benchmark(options, status.update)
    if trace and recorded:
        write_report("--trace", trace, json.dumps(recorded.as_json()))
    return report


def _print(report: BenchmarkReport, earlier: BenchmarkReport | None) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    rows = [
        ("machine", f"{report.processor}, {report.cores} cores, {report.memory / 2**30:.0f} GiB"),
        ("GPU", report.gpu or "none"),
        ("versions", versions),
        ("clip", f"{report.clip}: {report.source} to {report.result}"),
        ("model", f"{report.model}, {report.backend}"),
        ("decoder", report.decoder + (f", {report.decoders} in parallel" if report.decoders > 1 else "")),
        ("encoder", report.encoder + (f", {report.encoders} in parallel" if report.encoders > 1 else "")),
    ]
    out.print(facts(rows))
    out.print()
    out.print(_table(report, earlier))
    if earlier and (other := [name for name in _CONDITIONS if getattr(earlier, name) != getattr(report, name)]):
        note(f"not the same as in the earlier report: {', '.join(other)}")


def _table(report: BenchmarkReport, earlier: BenchmarkReport | None) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("frames/s", "of bottleneck", "frames", "ms CPU", *(["earlier", "ratio"] if earlier else [])):
        table.add_column(column, justify="right")
    rates = {row.name: row.rate for row in earlier.rows} if earlier else {}
    for row in report.rows:
        cells = [row.name, f"{row.rate:.1f}", f"{row.share:.1%}" if row.share else "", str(row.frames)]
        cells.append(f"{row.cpu:.2f}" if row.cpu else "")
        if row.name in rates:
            cells += [f"{rates[row.name]:.1f}", f"{row.rate / rates[row.name]:.2f}"]
        table.add_row(*cells)
    return table


def _refuse_with_engines(options: dict[str, object]) -> None:
    """Raise SettingsError for `options`, by name, that were given and mean nothing with --engines."""
    if given := ", ".join(name for name, value in options.items() if value):
        raise SettingsError(f"--engines runs networks alone: it can't be combined with {given}")


def _read(path: Path) -> BenchmarkReport:
    try:
        return BenchmarkReport.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--compare {path}: {error.strerror}") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"--compare {path}: not a report of `uprez bench --save`") from error

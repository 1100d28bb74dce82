"""`uprez bench`: the floors of the stages and the whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from pipeline.cli import options as o
from pipeline.cli.console import err, facts, note, out
from pipeline.diagnostics.benchmark import Bench, measure
from pipeline.diagnostics.report import Report
from pipeline.errors import InputError, OutputError, SettingsError
from pipeline.flow.telemetry import Trace
from pipeline.superres.backend_choice import choose_backend

_SAME = ("processor", "cores", "gpu", "clip", "source", "result", "model", "backend", "encoder")
_GPU_SIZE, _CPU_SIZE = (1920, 1080), (320, 180)


def bench(
    source: Annotated[Path | None, typer.Argument(help="A video; without one, a clip is made.")] = None,
    config: o.Config = None,
    model: o.Model = None,
    backend: o.Backend = None,
    engine: o.Engine = None,
    device: o.Device = None,
    precision: o.Precision = None,
    vram: o.Vram = None,
    decoder: o.Decoder = None,
    codec: o.Codec = None,
    pix_fmt: o.PixFmt = None,
    crf: o.Crf = None,
    preset: o.Preset = None,
    encoders: o.Encoders = None,
    extra: o.Extra = None,
    slots: o.Slots = None,
    contexts: o.Contexts = None,
    threads: o.Threads = None,
    queue: o.Queue = None,
    size: Annotated[str | None, typer.Option("--size", help="WIDTHxHEIGHT of the clip that is made.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long to measure each row.")] = 5.0,
    discard: Annotated[bool, typer.Option("--discard", help="Measure nothing with an encoder.")] = False,
    compare: Annotated[Path | None, typer.Option("--compare", help="An earlier report, to compare with.")] = None,
    save: Annotated[Path | None, typer.Option("--save", help="Write the report, JSON, to this file.")] = None,
    trace: Annotated[
        Path | None, typer.Option("--trace", help="Write a moment of it, for ui.perfetto.dev, to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of reports and end.")] = False,
) -> None:
    """Measure the speed of each stage and of all together.

    All stages together are measured with the output discarded, then encoded.
    """
    if schema:
        print(json.dumps(Report.model_json_schema(), indent=2))
        return
    settings = o.settings(config, locals())
    earlier = _read(compare) if compare else None
    frame = _size(size) or (_GPU_SIZE if choose_backend(settings)[0] == "tensorrt" else _CPU_SIZE)
    for option, path in (("--save", save), ("--trace", trace)):
        if path and not path.parent.is_dir():  # better said before measuring
            raise OutputError(f"{option} {path}: the folder {path.parent} does not exist: make it first")
    noted = Trace() if trace else None
    with err.status("") as status:
        report = measure(
            Bench(settings, source, frame, seconds, not discard, noted), tell=lambda step: status.update(step)
        )
    if save:
        _write("--save", save, report.model_dump_json(indent=2) + "\n")
    if trace and noted:
        _write("--trace", trace, json.dumps(noted.as_json()))
    if as_json:
        print(report.model_dump_json(indent=2))
        return
    _show(report, earlier)


def _show(report: Report, earlier: Report | None) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    rows = [
        ("machine", f"{report.processor}, {report.cores} cores, {report.memory / 2**30:.0f} GiB"),
        ("GPU", report.gpu or "none"),
        ("versions", versions),
        ("clip", f"{report.clip}: {report.source} to {report.result}"),
        ("model", f"{report.model}, {report.backend}"),
        ("decoder", report.decoder),
        ("encoder", report.encoder + (f", {report.encoders} at once" if report.encoders > 1 else "")),
    ]
    out.print(facts(rows))
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("frames/s", "of its floor", "frames", "ms CPU", *(["then", "now/then"] if earlier else [])):
        table.add_column(column, justify="right")
    for row in report.rows:
        cells = [row.name, f"{row.rate:.1f}", f"{row.share:.1%}" if row.share else "", str(row.frames)]
        cells.append(f"{row.cpu:.2f}" if row.cpu else "")
        if earlier:
            then = next((r.rate for r in earlier.rows if r.name == row.name), None)
            cells += [f"{then:.1f}", f"{row.rate / then:.2f}"] if then else ["", ""]
        table.add_row(*cells)
    out.print()
    out.print(table)
    if earlier and (other := [name for name in _SAME if getattr(earlier, name) != getattr(report, name)]):
        note(f"not the same as then: {', '.join(other)}")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, height = o.size("--size", text, 16, 8192)
    if width % 2 or height % 2:
        raise SettingsError(f"--size {text}: WIDTHxHEIGHT, both even, such as 1920x1080")
    return width, height


def _read(path: Path) -> Report:
    try:
        return Report.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--compare {path}: {error.strerror}") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"--compare {path}: not a report of `uprez bench --save`") from error


def _write(option: str, path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{option} {path}: {error.strerror}") from error

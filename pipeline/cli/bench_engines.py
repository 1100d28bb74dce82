"""`uprez bench --engines`: the rates of all engines on this GPU, as a table and as JSON."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from pipeline.cli.console import err, facts, note, out
from pipeline.cli.report_files import write_report
from pipeline.config.settings import Settings
from pipeline.diagnostics.engine_benchmark import NETWORKS, SIZES, EngineBenchmarkOptions, benchmark_engines
from pipeline.diagnostics.engine_report import ENGINE_TITLES, EngineReport, EngineRow

SECONDS = 0.3  # of each measurement, by default


def bench_engines(
    settings: Settings, size: tuple[int, int] | None, seconds: float, save: Path | None, as_json: bool
) -> None:
    """Measure all engines, and print and save the report.

    Args:
        settings: If the model was set, it alone is measured; also `device`, and `engine` for the TensorRT library.
        size: (width, height) to measure at; None for the usual ones.
        seconds: Duration of each measurement.
        save: Where the report is written, again after each measurement.
        as_json: Print the report as JSON.

    Raises:
        BackendError: There is no GPU.
        OutputError: The report can't be written.
    """
    options = EngineBenchmarkOptions(
        networks=(settings.model,) if "model" in settings.model_fields_set else NETWORKS,
        sizes=(size,) if size else SIZES,
        library=settings.engine,
        device=settings.device[0],
        seconds=seconds,
    )

    def keep(report: EngineReport) -> None:
        if save:
            write_report("--save", save, report.model_dump_json(indent=2) + "\n")
        if not err.is_terminal:
            row = report.rows[-1]
            err.print(f"{row.network} {row.size}, {ENGINE_TITLES[row.engine]}: {_described(row)}", markup=False)

    with err.status("") as status:
        report = benchmark_engines(options, lambda step: status.update(step), keep)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        _print(report)
    if save:
        note(f"{save} has no names or paths but those of the networks; docs/benchmarks.md says where to send it")


def _print(report: EngineReport) -> None:
    details = report.details
    rows = [
        ("GPU", report.gpu or ""),
        ("", f"{details.multiprocessors} multiprocessors at {details.clock} MHz, {details.memory / 2**30:.0f} GiB"),
        ("versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
        ("image", report.image),
    ]
    out.print(facts(rows))
    for network, size in dict.fromkeys((row.network, row.size) for row in report.rows):
        out.print()
        out.print(_table([row for row in report.rows if (row.network, row.size) == (network, size)]))


def _table(rows: list[EngineRow]) -> Table:
    """The engines on one network and size."""
    title = f"{rows[0].network}, {rows[0].size}: frames/s"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("1 lane", "2 lanes", "times", "error", "worst level"):
        table.add_column(column, justify="right")
    table.add_column("")
    slowest = next((row.fastest for row in rows if row.fastest), None)  # TensorRT on the network as it is, if it ran
    for row in rows:
        rates = [f"{rate:.0f}" if rate else "" for rate in (row.one_lane, row.two_lanes)]
        times = f"{row.fastest / slowest:.2f}" if row.fastest and slowest else ""
        relative = "" if row.relative_error is None else f"{row.relative_error:.1e}"
        worst = "" if row.worst_error is None else f"{row.worst_error:.2f}"
        table.add_row(ENGINE_TITLES[row.engine], *rates, times, relative, worst, row.reason or "")
    return table


def _described(row: EngineRow) -> str:
    """A row in one line."""
    rates = " / ".join(f"{rate:.0f}" for rate in (row.one_lane, row.two_lanes) if rate)
    error = "" if row.relative_error is None else f" frames/s, error {row.relative_error:.1e}"
    return "; ".join(filter(None, (rates + error, row.reason)))

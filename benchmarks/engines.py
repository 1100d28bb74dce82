"""Compares the bare networks with PyTorch: uprez's engines and torch.compile on the same networks, in one run.

    python benchmarks/engines.py --save engines-pytorch.json
    uprez bench --engines --save engines.json && python benchmarks/engines.py --report engines.json
    python benchmarks/engines.py --device cpu --sizes 64x36 --networks srvgg-4x1 --modes eager   # tries the code out

uprez is measured as by `uprez bench --engines`, or taken from its report (--report), which must have been made on this
machine just before. Then a process of its own measures PyTorch: fp16, channels_last, eager or compiled in each mode of
--modes, on a textured image that is already on the GPU, with the same loop: runs are queued without waiting, and the
rate is the median of three measurements after a warm-up. No copies, no colour conversion, no codecs on either side.

"ours is" divides the fastest of uprez's engines (sums in fp32; one or two lanes) by PyTorch's rate. A mode that fails
is listed with the reason; PyTorch is killed after --patience seconds, and what it measured until then is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from common.script import out, parser, run, save, size
from pydantic import BaseModel, Field, ValidationError
from rich.table import Table

from pipeline import EngineBenchmarkOptions, EngineReport, EngineRow, InputError, benchmark_engines

HERE = Path(__file__).resolve().parent
BAR = 3.0  # times as fast as compiled PyTorch that clear-x2 and srvgg-24x8 should be at 1920x1080
EXACT_ENGINES = ("tensorrt", "tensorrt-max", "fused-mma", "fused-wgmma")


class PyTorchRow(BaseModel):
    """One mode of PyTorch on one network and size, as upscalers/bare.py measured it."""

    network: str
    size: str
    mode: str
    about: str
    rate: float | None = None
    compile_seconds: float | None = None
    reason: str | None = None


class Report(BaseModel):
    """One run of engines.py."""

    engines: EngineReport | None = Field(description="null with --device cpu")
    pytorch: list[PyTorchRow]
    problem: str | None = Field(None, description="why PyTorch was not measured to the end")


def main() -> None:
    args = _arguments()
    engines = _engines(args) if args.device == "cuda" else None
    report = Report(engines=engines, pytorch=[])
    report.problem = _measure_pytorch(args, report)
    save(report, args.save)
    out.print(_table(report))
    if report.problem:
        out.print(report.problem, markup=False)


def _engines(args: argparse.Namespace) -> EngineReport:
    """The report of `uprez bench --engines`, read or measured."""
    if args.report is None:
        options = EngineBenchmarkOptions(tuple(args.networks), tuple(args.sizes), seconds=args.seconds)
        return benchmark_engines(options, lambda step: out.print(step, markup=False))
    try:
        return EngineReport.model_validate_json(args.report.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError(f"--report {args.report}: not a report of `uprez bench --engines --save`") from error


def _measure_pytorch(args: argparse.Namespace, report: Report) -> str | None:
    """Add PyTorch's rows to the report; give the reason if it did not end as it should."""
    chosen = {name: getattr(args, name) for name in ("networks", "sizes", "modes", "seconds", "device")}
    task = json.dumps(chosen)
    paths = os.pathsep.join(filter(None, [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "upscalers.bare", task],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        rows, errors = process.communicate(timeout=args.patience)
        last = (errors.strip().splitlines() or [""])[-1]
        problem = f"PyTorch's process ended with {process.returncode}: {last}" if process.returncode else None
    except subprocess.TimeoutExpired:
        _kill(process)
        rows, _ = process.communicate()
        problem = f"PyTorch was killed after {args.patience} s"
    report.pytorch = [PyTorchRow.model_validate_json(line) for line in rows.splitlines() if line.startswith("{")]
    return problem


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill PyTorch's process and its compilers."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _table(report: Report) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("frames/s", "uprez", "ours is", "bar"):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in report.pytorch:
        ours = _fastest(report.engines, row)
        ratio = ours.fastest / row.rate if ours and ours.fastest and row.rate else None
        has_bar = row.network in ("clear-x2", "srvgg-24x8") and row.size == "1920x1080" and row.mode != "eager"
        table.add_row(
            f"{row.network}, {row.size}, PyTorch {row.mode}",
            f"{row.rate:.1f}" if row.rate else "",
            f"{ours.fastest:.1f}" if ours and ours.fastest else "",
            f"{ratio:.2f}" if ratio else "",
            f"{BAR:g}" if has_bar else "",
            row.reason or (f"uprez: {ours.engine}" if ours else ""),
        )
    return table


def _fastest(engines: EngineReport | None, row: PyTorchRow) -> EngineRow | None:
    """The fastest engine of uprez with sums in fp32, on the same network and size."""
    rows = [engines.row(row.network, row.size, engine) for engine in EXACT_ENGINES] if engines else []
    return max((each for each in rows if each and each.fastest), key=lambda each: each.fastest or 0, default=None)


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--networks", nargs="+", default=["clear-x2", "srvgg-24x8"], metavar="NAME")
    options.add_argument("--sizes", nargs="+", type=size, default=[(1920, 1080)], metavar="WIDTHxHEIGHT")
    options.add_argument("--modes", nargs="+", default=["eager", "reduce-overhead", "max-autotune"], metavar="MODE")
    options.add_argument("--seconds", type=float, default=0.3, help="how long to measure each rate")
    options.add_argument("--patience", type=float, default=600, help="seconds that PyTorch may take in all")
    options.add_argument("--report", type=Path, help="a report of `uprez bench --engines`, made just before")
    options.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: PyTorch alone, in fp32")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

"""Measures the rate of each precision on a GPU, and its error against fp32 on a CPU.

    python benchmarks/precision.py --size 1920x1080 --seconds 4 --save precision.json
    python benchmarks/precision.py --models srvgg-64x16 my.onnx --precisions fp16 bf16

- engine  the network alone on frames of `--size`, as the row of that name of `uprez bench`
- PSNR    its output on a textured image, `--side` pixels square, against that of ONNX Runtime on the CPU with the
          network in fp32; the peak is white
- worst   the largest difference between the two, in levels of 8 bit

Both get the image in fp32; rounding it to the network's input type is part of the difference. An engine that the
project itself refuses, because it is under 40 dB on a textured image, is listed with its reason. Needs an NVIDIA GPU
and TensorRT.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from pathlib import Path

from common.script import out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import (
    PATTERN_DESCRIPTION,
    BackendError,
    BenchmarkRow,
    HostFacts,
    Settings,
    StageBenchmark,
    choose_backend,
    engine_error,
    host_facts,
    write_pattern,
)

MODELS = ("clear-x2", "srvgg-24x8", "srvgg-64x16")
PRECISIONS = ("fp16", "bf16", "tf32", "fp32")


class Entry(BaseModel):
    """One network in one precision."""

    model: str
    precision: str
    engine: BenchmarkRow | None = Field(None, description="the network alone")
    psnr: float | None = Field(None, description="dB against fp32 on the CPU; null also if the two are equal")
    worst: float | None = Field(None, description="largest difference, in levels of 8 bit")
    reason: str | None = Field(None, description="why it was refused")


class Report(HostFacts):
    """One run of precision.py."""

    clip: str
    source: str
    side: int = Field(description="side of the image that is compared, in pixels")
    seconds: float = Field(description="how long each rate was measured")
    entries: list[Entry]


def main() -> None:
    args = arguments()
    choose_backend(Settings.load(None, backend="tensorrt"))  # raises without a GPU
    with tempfile.TemporaryDirectory(prefix="uprez-precision-") as folder:
        clip = write_pattern(Path(folder) / "clip.mp4", *args.size, frames=24)
        settings = [
            Settings.load(None, model=model, precision=precision, backend="tensorrt")
            for model in args.models
            for precision in args.precisions
        ]
        report = Report(
            **host_facts(settings[0].device).model_dump(),
            clip=PATTERN_DESCRIPTION,
            source="{}x{} yuv420p".format(*args.size),
            side=args.side,
            seconds=args.seconds,
            entries=[measure(clip, chosen, args.side, args.seconds) for chosen in settings],
        )
    save(report, args.save)
    show(report)


def measure(clip: Path, settings: Settings, side: int, seconds: float) -> Entry:
    """Measure one network in one precision."""
    entry = Entry(model=settings.model, precision=settings.precision)
    try:
        error = engine_error(settings, side)
        entry.worst = error.worst
        entry.psnr = error.psnr if math.isfinite(error.psnr) else None
        with StageBenchmark(clip, settings, seconds) as stages:
            entry.engine = stages.engine()
    except BackendError as error_:
        entry.reason = str(error_)
    return entry


def show(report: Report) -> None:
    out.print(f"{report.gpu}; {report.source}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("model", "precision"):
        table.add_column(column)
    for column in ("engine, frames/s", "of fp16", "PSNR, dB", "worst, levels"):
        table.add_column(column, justify="right")
    table.add_column("")
    for entry in report.entries:
        table.add_row(entry.model, entry.precision, *cells(entry, fp16_row(report, entry.model)))
    out.print(table)


def fp16_row(report: Report, model: str) -> BenchmarkRow | None:
    return next((entry.engine for entry in report.entries if (entry.model, entry.precision) == (model, "fp16")), None)


def cells(entry: Entry, fp16: BenchmarkRow | None) -> list[str]:
    rate = f"{entry.engine.rate:.1f}" if entry.engine else ""
    share = f"{entry.engine.rate / fp16.rate:.0%}" if entry.engine and fp16 else ""
    psnr = "" if entry.worst is None else "equal" if entry.psnr is None else f"{entry.psnr:.1f}"
    worst = "" if entry.worst is None else f"{entry.worst:.2f}"
    return [rate, share, psnr, worst, shorten(entry.reason) if entry.reason else ""]


def shorten(reason: str) -> str:
    """`refused: 38.2 dB` if the reason has a figure, else all of it."""
    found = re.search(r"-?[\d.]+ dB", reason)
    return f"refused: {found[0] if found else reason}"


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    options.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    options.add_argument("--size", type=size, default=(1920, 1080), metavar="WIDTHxHEIGHT", help="of the frames")
    options.add_argument("--side", type=int, default=256, help="side of the image that is compared, in pixels")
    options.add_argument("--seconds", type=float, default=4.0, help="how long to measure each rate")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

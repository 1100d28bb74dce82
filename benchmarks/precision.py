"""What each precision costs and brings: the network's rate on a GPU, and how far it is from fp32 on a CPU.

    python benchmarks/precision.py --size 1920x1080 --seconds 4 --save precision.json
    python benchmarks/precision.py --models srvgg-64x16 my.onnx --precisions fp16 bf16

- engine  the network alone on frames of `--size`, as the row of that name of `uprez bench`
- PSNR    its output on a textured picture, `--side` pixels square, beside what ONNX Runtime makes of the same picture
          with the network in fp32, on the CPU; the peak is white
- worst   the largest difference between the two, in levels of 8 bit

Both get the picture in fp32; rounding it to what the network takes is part of the difference. An engine that the
project itself refuses, since it is under 40 dB on a textured picture, is shown with its reason. Needs an NVIDIA GPU
and TensorRT.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field
from rich.table import Table
from steady import PATTERN, Machine, arguments, facts, guarded, out, save, size

from pipeline.colour.psnr import psnr_of_error
from pipeline.config.settings import Settings
from pipeline.diagnostics import benchmark
from pipeline.diagnostics.benchmark import Bench
from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.diagnostics.report import Row
from pipeline.errors import BackendError
from pipeline.files.plan import Plan, make_plan
from pipeline.media.reading.probe import probe
from pipeline.models import catalogue
from pipeline.models.precision import PRECISIONS
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.superres.gpu.validation import RunNetwork
from pipeline.superres.sessions import SessionRequest, open_session
from pipeline.system import cuda
from pipeline.system.cuda import Gpu

MODELS = ("clear-x2", "srvgg-24x8", "srvgg-64x16")


class Entry(BaseModel):
    """One network in one precision."""

    model: str
    precision: str
    engine: Row | None = Field(None, description="the network alone")
    psnr: float | None = Field(None, description="dB beside fp32 on the CPU; null too where the two are equal")
    worst: float | None = Field(None, description="largest difference, in levels of 8 bit")
    reason: str | None = Field(None, description="why it was refused")


class Report(Machine):
    """One run of precision.py."""

    clip: str
    source: str
    side: int = Field(description="pixels of a side of the picture that is compared")
    seconds: float = Field(description="how long each rate was measured")
    entries: list[Entry]


def main() -> None:
    args = _arguments()
    if reason := cuda.unavailable_reason():
        raise BackendError(f"it compares what a GPU computes: {reason}")
    library.load()
    with tempfile.TemporaryDirectory(prefix="uprez-precision-") as folder:
        target = Path(folder) / "result.mkv"
        media = probe(write_pattern(Path(folder) / "clip.mp4", *args.size, frames=24))
        settings = [
            Settings.load(None, model=model, precision=precision, backend="tensorrt")
            for model in args.models
            for precision in args.precisions
        ]
        plans = [make_plan(media, target, chosen) for chosen in settings]
        report = Report(
            **facts(plans[0]),
            clip=PATTERN,
            source=str(media.video.format),
            side=args.side,
            seconds=args.seconds,
            entries=[_entry(plan, args.side, args.seconds) for plan in plans],
        )
    save(report, args.save)
    _show(report)


def _entry(plan: Plan, side: int, seconds: float) -> Entry:
    """Measure one network in one precision."""
    entry = Entry(model=plan.model.name, precision=plan.settings.precision)
    try:
        psnr, entry.worst = _error_on_gpu(plan, side)
        entry.psnr = psnr if math.isfinite(psnr) else None
        entry.engine = _rate(plan, seconds)
    except BackendError as error:
        entry.reason = str(error)
    return entry


def _rate(plan: Plan, seconds: float) -> Row:
    """The network alone, on frames of the clip's size."""
    with open_session(SessionRequest(plan.backend, plan.model, plan.decoded_format, plan.settings)) as session:
        benchmark._finished_frames(plan, session)
        return benchmark._engine(Bench(plan.settings, seconds=seconds), session)


def _error_on_gpu(plan: Plan, side: int) -> tuple[float, float]:
    """How far an engine for pictures of `side` x `side` is from fp32: PSNR and the worst level."""
    gpu = Gpu(plan.settings.device[0])
    resources = EngineResources(gpu, library.load(plan.settings.engine), EngineCache(), plan.model)
    network = Network(resources, side, side)
    lane = network.lane()
    try:
        return error_of(lane.run_once, plan.settings.model, side)
    finally:
        lane.close()
        network.close()


def error_of(run: RunNetwork, model: str, side: int) -> tuple[float, float]:
    """How far `run` is from the network called `model` in fp32: PSNR in dB, and the largest difference in levels."""
    exact = catalogue.find(model, "fp32")
    picture = validation.textured_image(side, side, exact)
    difference = (run(picture).astype(np.float64) - validation.reference_output(exact, picture)) / exact.value_range
    return psnr_of_error(float(np.mean(difference**2)), peak=1), float(255 * np.abs(difference).max())


def _show(report: Report) -> None:
    out.print(f"{report.gpu}; {report.source}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("model", "precision"):
        table.add_column(column)
    for column in ("engine, frames/s", "of fp16", "PSNR, dB", "worst, levels"):
        table.add_column(column, justify="right")
    table.add_column("")
    for entry in report.entries:
        table.add_row(entry.model, entry.precision, *_cells(entry, _fp16(report, entry.model)))
    out.print(table)


def _fp16(report: Report, model: str) -> Row | None:
    return next((entry.engine for entry in report.entries if (entry.model, entry.precision) == (model, "fp16")), None)


def _cells(entry: Entry, fp16: Row | None) -> list[str]:
    rate = f"{entry.engine.rate:.1f}" if entry.engine else ""
    share = f"{entry.engine.rate / fp16.rate:.0%}" if entry.engine and fp16 else ""
    psnr = "" if entry.worst is None else "equal" if entry.psnr is None else f"{entry.psnr:.1f}"
    worst = "" if entry.worst is None else f"{entry.worst:.2f}"
    return [rate, share, psnr, worst, _shortly(entry.reason) if entry.reason else ""]


def _shortly(reason: str) -> str:
    """`refused: 38.2 dB` where the reason has a figure, else all of it."""
    found = re.search(r"-?[\d.]+ dB", reason)
    return f"refused: {found[0] if found else reason}"


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=("fp16", "bf16", "tf32", "fp32"))
    parser.add_argument("--size", type=size, default=(1920, 1080), metavar="WIDTHxHEIGHT", help="of the frames")
    parser.add_argument("--side", type=int, default=256, help="of the picture that is compared, in pixels")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long to measure each rate")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

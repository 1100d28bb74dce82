"""Measures how the rate grows with the number of GPUs that share the frames.

    python benchmarks/gpus.py --devices 0 0,1 0,1,2,3 --model srvgg-64x16 --size 1920x1080 --save gpus.json
    python benchmarks/gpus.py --devices 0 --backend onnx --size 64x36 --seconds 1     # tries the code out

For each list of GPUs, one after the other on the same clip, rows of `uprez bench`:

- engine     the network alone on all of them, on inputs where it expects them
- discarded  everything up to upscaled frames in main memory, which are discarded

`decode`, measured once, is the fastest rate at which frames can arrive. A share is of the slower of decode and engine;
the speed-up is that of `discarded` against the first list.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common.script import add_backend, out, parser, run, save, size
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
    host_facts,
    write_pattern,
)


class Entry(BaseModel):
    """One list of GPUs. The rows are null if it can't be used; `reason` is the error."""

    devices: str
    backend: str | None = None
    engine: BenchmarkRow | None = None
    discarded: BenchmarkRow | None = Field(None, description="its share is of the slower of decode and engine")
    reason: str | None = None


class Report(HostFacts):
    """One run of gpus.py. gpu: those of the first list."""

    clip: str
    source: str
    model: str
    seconds: float = Field(description="how long each row was measured")
    decode: BenchmarkRow
    entries: list[Entry]


def main() -> None:
    args = arguments()
    # Decoded in software, so that only the number of GPUs changes.
    common = {"model": args.model, "backend": args.backend, "decoder": "software"}
    settings = [Settings.load(None, **common, device=devices) for devices in args.devices]
    backend, _ = choose_backend(settings[0])
    with tempfile.TemporaryDirectory(prefix="uprez-gpus-") as folder:
        clip = args.clip or write_pattern(Path(folder) / "clip.mp4", *args.size)
        with StageBenchmark(clip, settings[0], args.seconds) as first:
            plan, decode = first.plan, first.decode()
        report = Report(
            **host_facts(plan.settings.device if backend == "tensorrt" else ()).model_dump(),
            clip=args.clip.name if args.clip else PATTERN_DESCRIPTION,
            source=str(plan.decoded_format),
            model=str(plan.model),
            seconds=args.seconds,
            decode=decode,
            entries=[measure(clip, chosen, args.seconds, decode) for chosen in settings],
        )
    save(report, args.save)
    show(report)


def measure(clip: Path, settings: Settings, seconds: float, decode: BenchmarkRow) -> Entry:
    """Measure one list of GPUs."""
    devices = ",".join(map(str, settings.device))
    try:
        with StageBenchmark(clip, settings, seconds) as stages:
            engine, discarded = stages.engine(), stages.discarded()
            share = discarded.rate / min(decode.rate, engine.rate)
            discarded = discarded.model_copy(update={"share": share})
            return Entry(devices=devices, backend=stages.session.backend, engine=engine, discarded=discarded)
    except BackendError as error:
        return Entry(devices=devices, reason=str(error))


def show(report: Report) -> None:
    out.print(f"{report.model}, {report.source}; {report.gpu or 'no GPU'}; decode {report.decode.rate:.1f} frames/s")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("GPUs")
    for column in ("engine", "discarded", "of the bottleneck", "speed-up", "ms CPU"):
        table.add_column(column, justify="right")
    first = report.entries[0].discarded
    for entry in report.entries:
        table.add_row(entry.devices, *cells(entry, first))
    out.print(table)
    for entry in report.entries:
        if entry.reason:
            out.print(f"{entry.devices}: not run: {entry.reason}", markup=False)


def cells(entry: Entry, first: BenchmarkRow | None) -> list[str]:
    if entry.engine is None or entry.discarded is None:
        return ["not run", "", "", "", ""]
    row = entry.discarded
    speed_up = f"{row.rate / first.rate:.2f}x" if first else ""
    return [f"{entry.engine.rate:.1f}", f"{row.rate:.1f}", f"{row.share:.1%}", speed_up, f"{row.cpu:.2f}"]


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--devices", nargs="+", default=["0", "0,1", "0,1,2,3"], metavar="LIST", help="such as 0,1")
    options.add_argument("--model", default="srvgg-64x16")
    add_backend(options)
    options.add_argument(
        "--size", type=size, default=(1920, 1080), metavar="WIDTHxHEIGHT", help="of the generated clip"
    )
    options.add_argument("--clip", type=Path, help="a video, instead of a generated one")
    options.add_argument("--seconds", type=float, default=5.0, help="how long to measure each row")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

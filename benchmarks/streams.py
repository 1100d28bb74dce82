"""Finds the number of live streams that one machine carries before any of them drops a frame.

    python benchmarks/streams.py --models srvgg-24x8 srvgg-64x16 --save streams.json      # 960x540 at 30 frames/s
    python benchmarks/streams.py --decode --encode ultrafast veryfast                     # with H.264 at both ends
    python benchmarks/streams.py --backend onnx --models identity --size 64x48 --seconds 1 --most 8   # without a GPU

Each stream has a clock of its own, out of step with the others': a frame comes when it is due, as samples in memory, or
(`--decode`) as a packet of H.264. It waits in a queue of two, which drops the oldest when a third comes; one thread
submits it, and another collects it and discards it or (`--encode`) passes it to an x264 of its own. The sessions share
one engine. No network connection and no child process is part of it.

- holds    the most streams without a dropped frame, found by doubling, then bisection; a failure is tried a second time
           before it is believed
- dropped  frames replaced by newer ones, or decoded later than the next was due
- delay    from when a frame was due to when it was upscaled, or encoded, in ms, over all streams
- cores    that were busy, of the process

A first second is not counted. The figures show the bottleneck: where cores are nearly all busy, a stronger processor
would carry more.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

from common.script import add_backend, out, parser, run, save, size
from pydantic import Field
from rich.table import Table

from pipeline import (
    PATTERN_DESCRIPTION,
    CapacityTrial,
    HostFacts,
    Settings,
    StreamCapacity,
    choose_backend,
    host_facts,
    measure_stream_capacity,
    stream_workload,
    write_pattern,
)

CLIP_FRAMES = 24


class Report(HostFacts):
    """One run of streams.py."""

    clip: str
    rate: float = Field(description="frames per second of each stream")
    seconds: float = Field(description="of each trial")
    entries: list[StreamCapacity]


def main() -> None:
    args = arguments()
    settings = [Settings.load(None, model=name, backend=args.backend, device=args.device) for name in args.models]
    backend, _ = choose_backend(settings[0])
    with tempfile.TemporaryDirectory(prefix="uprez-streams-") as folder:
        clip = write_pattern(Path(folder) / "clip.mp4", *args.size, frames=CLIP_FRAMES)
        workloads = [stream_workload(clip, args.rate, args.decode, preset) for preset in args.encode or [None]]
    entries = [
        measure_stream_capacity(
            chosen, work, args.seconds, args.most, functools.partial(report_trial, chosen.model, work.preset)
        )
        for chosen in settings
        for work in workloads
    ]
    facts = host_facts(settings[0].device if backend == "tensorrt" else ()).model_dump()
    report = Report(**facts, clip=PATTERN_DESCRIPTION, rate=float(args.rate), seconds=args.seconds, entries=entries)
    save(report, args.save)
    show(report)


def report_trial(model: str, preset: str | None, trial: CapacityTrial) -> None:
    line = f"{model} {preset or 'discarded'}: {trial.streams} streams, {trial.dropped} frames dropped"
    print(line, file=sys.stderr, flush=True)


def show(report: Report) -> None:
    for entry in report.entries:
        ends = f"{'H.264' if entry.decoded else 'memory'} to {entry.preset or 'nowhere'}"
        out.print(f"{entry.model}, {entry.source} at {report.rate:g} to {entry.result}, {ends}; {entry.backend}")
        table = Table(box=None, padding=(0, 3, 0, 0))
        for column in ("streams", "dropped", "p50", "p95", "p99", "frames/s", "cores"):
            table.add_column(column, justify="right")
        for trial in sorted(entry.trials, key=lambda trial: (trial.streams, trial.dropped)):
            dropped = f"{trial.dropped} of {trial.frames}"
            delays = (f"{1000 * delay:.1f}" for delay in (trial.p50, trial.p95, trial.p99))
            table.add_row(str(trial.streams), dropped, *delays, f"{trial.rate:.0f}", f"{trial.cores:.1f}")
        out.print(table)
        limit = " (no more were tried)" if entry.holds == entry.most else ""
        out.print(f"holds {entry.holds} streams{limit}; {report.cores} cores")


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--models", nargs="+", default=["srvgg-24x8", "srvgg-64x16"], metavar="MODEL")
    add_backend(options)
    options.add_argument("--device", type=int, default=0, help="the GPU's number")
    options.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of each stream")
    options.add_argument("--rate", type=Fraction, default=Fraction(30), help="frames per second of each stream")
    options.add_argument("--decode", action="store_true", help="decode H.264 from memory")
    options.add_argument("--encode", nargs="+", metavar="PRESET", help="of x264 with zero latency, such as ultrafast")
    options.add_argument("--most", type=int, default=128, help="streams to try at most")
    options.add_argument("--seconds", type=float, default=8.0, help="how long to measure each number of streams")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

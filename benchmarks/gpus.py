"""How the rate grows with the number of GPUs that share the frames.

    python benchmarks/gpus.py --devices 0 0,1 0,1,2,3 --model srvgg-64x16 --size 1920x1080 --save gpus.json
    python benchmarks/gpus.py --devices 0 --backend onnx --size 64x36 --seconds 1     # tries the code out

For each list of GPUs, one after the other on the same clip, rows of `uprez bench`:

- engine     the network alone on all of them, on inputs that lie where it wants them
- discarded  the whole up to finished frames in host memory, which are thrown away

`decode`, measured once, is how fast frames come at best. A share is of the slower of decode and engine; the speed-up is
that of `discarded` against the first list.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, Field
from rich.table import Table
from steady import PATTERN, Machine, arguments, backend, facts, guarded, out, save, size

from pipeline.config.settings import Settings
from pipeline.diagnostics import benchmark
from pipeline.diagnostics.benchmark import Bench
from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.diagnostics.report import Row
from pipeline.errors import BackendError
from pipeline.files.plan import Plan, make_plan
from pipeline.media.reading.probe import probe
from pipeline.superres.backend_choice import choose_backend
from pipeline.superres.sessions import open_session


class Entry(BaseModel):
    """One list of GPUs. The rows are null where it can't be had, and `reason` says why."""

    devices: str
    backend: str | None = None
    engine: Row | None = None
    discarded: Row | None = Field(None, description="its share is of the slower of decode and engine")
    reason: str | None = None


class Report(Machine):
    """One run of gpus.py. gpu: the first of them."""

    clip: str
    source: str
    model: str
    seconds: float = Field(description="how long each row was measured")
    decode: Row
    entries: list[Entry]


def main() -> None:
    args = _arguments()
    every = [_settings(args, devices) for devices in args.devices]
    choose_backend(every[0])
    with tempfile.TemporaryDirectory(prefix="uprez-gpus-") as folder:
        clip = args.clip or write_pattern(Path(folder) / "clip.mp4", *args.size)
        media, target = probe(clip), Path(folder) / "result.mkv"
        plans = [replace(make_plan(media, target, settings), copied=frozenset()) for settings in every]
        first = plans[0]
        decode = benchmark._decode(_bench(first, args.seconds), first).model_copy(update={"name": "decode"})
        report = Report(
            **facts(first),
            clip=args.clip.name if args.clip else PATTERN,
            source=str(first.decoded_format),
            model=str(first.model),
            seconds=args.seconds,
            decode=decode,
            entries=[_entry(plan, args.seconds, decode) for plan in plans],
        )
    save(report, args.save)
    _show(report)


def _settings(args: argparse.Namespace, devices: str) -> Settings:
    """Decoded in software, so that only the number of GPUs changes."""
    return Settings.load(None, model=args.model, backend=args.backend, device=devices, decoder="software")


def _bench(plan: Plan, seconds: float) -> Bench:
    return Bench(plan.settings, plan.media.path, seconds=seconds)


def _entry(plan: Plan, seconds: float, decode: Row) -> Entry:
    """Measure one list of GPUs."""
    devices = ",".join(map(str, plan.settings.device))
    bench = _bench(plan, seconds)
    try:
        with open_session(plan.session_request) as session:
            benchmark._finished_frames(plan, session)  # warms up
            engine = benchmark._engine(bench, session)
            whole = benchmark._whole(bench, plan, session, encoded=False)
            share = whole.rate / min(decode.rate, engine.rate)
            discarded = whole.model_copy(update={"name": "discarded", "share": share})
            return Entry(devices=devices, backend=session.backend, engine=engine, discarded=discarded)
    except BackendError as error:
        return Entry(devices=devices, reason=str(error))


def _show(report: Report) -> None:
    out.print(f"{report.model}, {report.source}; {report.gpu or 'no GPU'}; decode {report.decode.rate:.1f} frames/s")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("GPUs")
    for column in ("engine", "discarded", "of its floor", "speed-up", "ms CPU"):
        table.add_column(column, justify="right")
    first = report.entries[0].discarded
    for entry in report.entries:
        table.add_row(entry.devices, *_cells(entry, first))
    out.print(table)
    for entry in report.entries:
        if entry.reason:
            out.print(f"{entry.devices}: not run: {entry.reason}", markup=False)


def _cells(entry: Entry, first: Row | None) -> list[str]:
    if entry.engine is None or entry.discarded is None:
        return ["not run", "", "", "", ""]
    row = entry.discarded
    speed_up = f"{row.rate / first.rate:.2f}x" if first else ""
    return [f"{entry.engine.rate:.1f}", f"{row.rate:.1f}", f"{row.share:.1%}", speed_up, f"{row.cpu:.2f}"]


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--devices", nargs="+", default=["0", "0,1", "0,1,2,3"], metavar="LIST", help="such as 0,1")
    parser.add_argument("--model", default="srvgg-64x16")
    backend(parser)
    parser.add_argument("--size", type=size, default=(1920, 1080), metavar="WIDTHxHEIGHT", help="of the clip made")
    parser.add_argument("--clip", type=Path, help="a video, instead of one that is made")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to measure each row")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

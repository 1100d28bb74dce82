"""Several encoders, each on a closed GOP of its own, against one: how fast, how large and how good.

    python benchmarks/gops.py --presets ultrafast veryfast medium --save gops.json
    python benchmarks/gops.py --clip film.mp4 --crf 20                         # the file's size and PSNR too
    python benchmarks/gops.py --size 320x180 --seconds 1 --encoders 2          # small

For each preset, with one encoder and with as many as the project takes by itself (`--encoders auto`) or is told to:

- rate  frames a second at the encoder's door in the steady state, fed frames from memory, as the row `encode` of
        `uprez bench`; the frames are the first twelve of a clip, to and fro, of the size of finished frames

With `--clip`, the video is encoded as it is, without upscaling, by one encoder and by several, with key frames at the
same distance (`--gop`):

- size  of the file
- PSNR  of luma against the clip, over all its frames

No network runs, so no GPU is needed.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import replace
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
from pipeline.errors import InputError
from pipeline.files import budget
from pipeline.files.components import queue_weight
from pipeline.files.plan import Plan, make_plan
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain
from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder, decode_frames
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from pipeline.media.writing.file_sink import FileSink

_POOL = 12


class Made(BaseModel):
    """A file that was encoded from the clip. psnr: dB, luma."""

    frames: int
    bytes: int
    psnr: float


class Entry(BaseModel):
    """One preset with one number of encoders."""

    preset: str
    encoders: int
    gop: int
    threads: int = Field(description="of each encoder; 0: its own affair")
    rate: Row
    made: Made | None = Field(None, description="null without --clip")


class Report(Machine):
    """One run of gops.py."""

    clip: str
    format: str = Field(description="of the frames whose rate was measured")
    codec: str
    crf: float
    seconds: float = Field(description="how long each rate was measured")
    entries: list[Entry]


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="uprez-gops-") as name:
        folder = Path(name)
        made = write_pattern(folder / "clip.mp4", *args.size, frames=2 * _POOL)
        pairs = list(itertools.product(args.presets, (1, *args.encoders)))
        plans = [_plan(made, *pair, args, folder) for pair in pairs]
        films = [_plan(args.clip, *pair, args, folder) if args.clip else None for pair in pairs]
        pool = _pool(plans[0])
        report = Report(
            **facts(plans[0]),
            clip=args.clip.name if args.clip else PATTERN,
            format=str(plans[0].encoding.format),
            codec=args.codec,
            crf=args.crf,
            seconds=args.seconds,
            entries=[_entry(plan, film, pool, args) for plan, film in zip(plans, films, strict=True)],
        )
    save(report, args.save)
    _show(report)


def _plan(clip: Path, preset: str, encoders: str | int, args: argparse.Namespace, folder: Path) -> Plan:
    """How `clip` is encoded as it is, with so many encoders however short it is."""
    chosen = {"codec": args.codec, "preset": preset, "crf": args.crf, "options": {"g": str(args.gop)}}
    settings = Settings.load(None, model="identity", backend="onnx", decoder="software", encoders=encoders, **chosen)
    plan = make_plan(probe(clip), folder / "result.mkv", settings.model_copy(update={"encoders": 1}))
    if plan.encoding.format != plan.decoded_format:
        raise InputError(
            f"{clip}: {args.codec} does not take {plan.decoded_format.pixel.name}: choose another clip or --codec"
        )
    encoding, alone = budget.allocate_encoders(plan.encoding, settings, frames=None, busy=True)
    if encoders not in (encoding.encoders, "auto"):
        reason = alone or f"there is memory for {encoding.encoders}"
        raise InputError(f"--encoders {encoders}: {args.codec} at {encoding.format}: {reason}")
    return replace(plan, settings=settings, encoding=encoding, copied=frozenset())


def _pool(plan: Plan) -> list[Frame]:
    """The clip's first frames, in memory of their own."""
    pool = itertools.islice(_frames(plan.media.path), _POOL)
    return [replace(frame, planes=tuple(plane.copy() for plane in frame.planes)) for frame in pool]


def _entry(plan: Plan, film: Plan | None, pool: list[Frame], args: argparse.Namespace) -> Entry:
    """Measure one preset with one number of encoders."""
    encoding = plan.encoding
    return Entry(
        preset=encoding.options["preset"],
        encoders=encoding.encoders,
        gop=args.gop,
        threads=encoding.threads,
        rate=benchmark._encode(Bench(plan.settings, seconds=args.seconds), plan, pool).model_copy(
            update={"name": "encode"}
        ),
        made=_made(film) if film else None,
    )


def _made(plan: Plan) -> Made:
    """Encode the clip, and set the result beside it."""
    with (
        FileSource(plan.media.path) as source,
        FileSink(plan.target, plan.encoding, source, plan.copied, plan.time_shift) as sink,
    ):
        encoder = sink.encoder(plan.encoding.time_base)
        decoder = Decoder(source, plan.decoded_format)
        line = Pipeline(
            source,
            {"decode": decoder, "encode": Chain(encoder, sink)},
            plan.settings.queue,
            queue_weight(plan.settings),
        )
        line.start()
        line.wait()
        path = sink.commit(overwrite=True)
    made = Made(frames=encoder.frames, bytes=path.stat().st_size, psnr=_psnr(plan.media.path, path))
    path.unlink()
    return made


def _psnr(one: Path, other: Path) -> float:
    """Luma of two videos, over all their frames."""
    errors = []
    for a, b in zip(_frames(one), _frames(other), strict=True):
        errors.append(float(np.mean((a.planes[0].astype(np.float32) - b.planes[0]) ** 2)))
        peak = 2**a.format.pixel.depth - 1
    return psnr_of_error(float(np.mean(errors)), peak)


def _frames(path: Path) -> Iterator[Frame]:
    with FileSource(path) as source:
        yield from decode_frames(source, probe(path).video.format)


def _show(report: Report) -> None:
    out.print(f"{report.codec}, crf {report.crf:g}, {report.processor}, {report.cores} cores; rates of {report.format}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("preset")
    for column in ("encoders", "GOP", "frames/s", "of one's"):
        table.add_column(column, justify="right")
    if any(entry.made for entry in report.entries):
        for column in ("MB", "of one's", "PSNR, dB", "beside one's"):
            table.add_column(column, justify="right")
    for entry in report.entries:
        one = next(e for e in report.entries if e.preset == entry.preset and e.encoders == 1)
        cells = [
            str(entry.encoders),
            str(entry.gop),
            f"{entry.rate.rate:.1f}",
            f"{entry.rate.rate / one.rate.rate:.2f}x",
        ]
        table.add_row(entry.preset, *cells, *_cells(entry.made, one.made))
    out.print(table)


def _cells(made: Made | None, one: Made | None) -> list[str]:
    if made is None or one is None:
        return []
    larger = f"{100 * (made.bytes / one.bytes - 1):+.2f} %"
    return [f"{made.bytes / 1e6:.2f}", larger, f"{made.psnr:.2f}", f"{made.psnr - one.psnr:+.3f}"]


def _several(text: str) -> int | str:
    """An argument: "auto", or a number of encoders."""
    if text == "auto":
        return text
    if not text.isdigit() or not 2 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text}: auto, or 2 to 64 encoders")
    return int(text)


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--codec", default="libx264", help="libx264, libx265 or libsvtav1")
    parser.add_argument("--presets", nargs="+", default=("ultrafast", "veryfast", "medium"), metavar="NAME")
    parser.add_argument("--encoders", nargs="+", type=_several, default=("auto",), metavar="N", help="auto, or 2 to 64")
    parser.add_argument("--gop", type=int, default=48, help="frames from one key frame to the next, at most")
    parser.add_argument("--crf", type=float, default=20.0, help="constant quality")
    parser.add_argument("--size", type=size, default=(3840, 2160), metavar="WIDTHxHEIGHT", help="of finished frames")
    parser.add_argument("--clip", type=Path, help="a video to compare files of")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to measure each rate")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

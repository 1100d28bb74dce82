"""Compares parallel encoders, each on closed GOPs of its own, with one encoder: rate, file size and quality.

    python benchmarks/gops.py --presets ultrafast veryfast medium --save gops.json
    python benchmarks/gops.py --clip film.mp4 --crf 20                         # the file's size and PSNR too
    python benchmarks/gops.py --size 320x180 --seconds 1 --encoders 2          # small

For each preset, with one encoder and with as many as the project chooses by itself (`--encoders auto`) or is given:

- rate  frames per second at the encoder's input in the steady state, fed with frames from memory, as the row `encode`
        of `uprez bench`; the frames are the first twelve of a clip of the output's size, forwards and backwards in turn

With `--clip`, the video is encoded without being enlarged, by one encoder and by several, with key frames at the same
distance (`--gop`):

- size  of the file
- PSNR  of luma against the clip, over all its frames

The network is the identity, so no GPU is needed.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common.script import out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import (
    PATTERN_DESCRIPTION,
    BenchmarkRow,
    Frame,
    HostFacts,
    InputError,
    Settings,
    StageBenchmark,
    host_facts,
    psnr_of_error,
    read_frames,
    upscale,
    write_pattern,
)

POOL_FRAMES = 12
MAX_DECIBELS = 100.0  # reported for equal frames, which have no PSNR


class EncodedClip(BaseModel):
    """A file that was encoded from the clip."""

    frames: int
    bytes: int
    psnr: float = Field(description="dB, luma, against the clip")


class Entry(BaseModel):
    """One preset with one number of encoders."""

    preset: str
    encoders: int
    gop: int
    threads: int = Field(description="threads of each encoder; 0: its own choice")
    rate: BenchmarkRow
    made: EncodedClip | None = Field(None, description="the file; null without --clip")


class Report(HostFacts):
    """One run of gops.py."""

    clip: str
    format: str = Field(description="of the frames whose rate was measured")
    codec: str
    crf: float
    seconds: float = Field(description="how long each rate was measured")
    entries: list[Entry]


def main() -> None:
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="uprez-gops-") as name:
        folder = Path(name)
        pattern = write_pattern(folder / "clip.mp4", *args.size, frames=2 * POOL_FRAMES)
        frames = [own_copy(frame) for frame in itertools.islice(read_frames(pattern), POOL_FRAMES)]
        pairs = itertools.product(args.presets, (1, *args.encoders))
        report = Report(
            **host_facts().model_dump(),
            clip=args.clip.name if args.clip else PATTERN_DESCRIPTION,
            format=str(frames[0].format),
            codec=args.codec,
            crf=args.crf,
            seconds=args.seconds,
            entries=[measure(pattern, frames, preset, encoders, args) for preset, encoders in pairs],
        )
    save(report, args.save)
    show(report)


def own_copy(frame: Frame) -> Frame:
    return replace(frame, planes=tuple(plane.copy() for plane in frame.planes))


def measure(
    pattern: Path, frames: Sequence[Frame], preset: str, encoders: int | str, args: argparse.Namespace
) -> Entry:
    """Measure one preset with one number of encoders."""
    chosen: dict[str, Any] = {"codec": args.codec, "preset": preset, "crf": args.crf, "options": {"g": str(args.gop)}}
    chosen |= {"model": "identity", "backend": "onnx", "decoder": "software"}
    settings = Settings.load(None, **chosen, encoders=encoders)
    with StageBenchmark(pattern, settings, args.seconds, endless=True) as stages:
        encoding = stages.plan.encoding
        if encoding.format != frames[0].format:
            raise InputError(f"{args.codec} does not accept {frames[0].format}: choose another --codec")
        if encoders not in (encoding.encoders, "auto"):
            raise InputError(f"--encoders {encoders}: {args.codec} at {encoding.format}: {stages.plan.notes[-1]}")
        rate = stages.encode(frames)
    return Entry(
        preset=encoding.options["preset"],
        encoders=encoding.encoders,
        gop=args.gop,
        threads=encoding.threads,
        rate=rate,
        made=encode(args.clip, pattern.parent, {**chosen, "encoders": encoding.encoders}) if args.clip else None,
    )


def encode(clip: Path, folder: Path, options: dict[str, Any]) -> EncodedClip:
    """Encode the clip, and compare the file with it."""
    result = upscale(clip, folder / "result.mkv", **options)
    made = EncodedClip(frames=result.frames_out, bytes=result.path.stat().st_size, psnr=luma_psnr(clip, result.path))
    result.path.unlink()
    return made


def luma_psnr(one: Path, other: Path) -> float:
    """PSNR of the luma of two videos in dB, over all their frames."""
    errors, peak = [], 255
    for a, b in zip(read_frames(one), read_frames(other), strict=True):
        errors.append(float(np.mean((a.planes[0].astype(np.float32) - b.planes[0]) ** 2)))
        peak = 2**a.format.pixel.depth - 1
    return min(psnr_of_error(float(np.mean(errors)), peak), MAX_DECIBELS)


def show(report: Report) -> None:
    out.print(f"{report.codec}, crf {report.crf:g}, {report.processor}, {report.cores} cores; rates of {report.format}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("preset")
    for column in ("encoders", "GOP", "frames/s", "of one's"):
        table.add_column(column, justify="right")
    if any(entry.made for entry in report.entries):
        for column in ("MB", "of one's", "PSNR, dB", "against one's"):
            table.add_column(column, justify="right")
    for entry in report.entries:
        one = next(e for e in report.entries if e.preset == entry.preset and e.encoders == 1)
        ratio = f"{entry.rate.rate / one.rate.rate:.2f}x"
        row = [str(entry.encoders), str(entry.gop), f"{entry.rate.rate:.1f}", ratio]
        table.add_row(entry.preset, *row, *cells(entry.made, one.made))
    out.print(table)


def cells(made: EncodedClip | None, one: EncodedClip | None) -> list[str]:
    if made is None or one is None:
        return []
    larger = f"{100 * (made.bytes / one.bytes - 1):+.2f} %"
    return [f"{made.bytes / 1e6:.2f}", larger, f"{made.psnr:.2f}", f"{made.psnr - one.psnr:+.3f}"]


def encoder_count(text: str) -> int | str:
    """The value of an option: "auto", or a number of encoders."""
    if text == "auto":
        return text
    if not text.isdigit() or not 2 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text}: auto, or 2 to 64 encoders")
    return int(text)


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--codec", default="libx264", help="libx264, libx265 or libsvtav1")
    options.add_argument("--presets", nargs="+", default=("ultrafast", "veryfast", "medium"), metavar="NAME")
    options.add_argument(
        "--encoders", nargs="+", type=encoder_count, default=("auto",), metavar="N", help="auto, or 2 to 64"
    )
    options.add_argument("--gop", type=int, default=48, help="maximum distance of key frames, in frames")
    options.add_argument("--crf", type=float, default=20.0, help="constant quality")
    options.add_argument("--size", type=size, default=(3840, 2160), metavar="WIDTHxHEIGHT", help="of encoded frames")
    options.add_argument("--clip", type=Path, help="a video to compare files of")
    options.add_argument("--seconds", type=float, default=5.0, help="how long to measure each rate")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

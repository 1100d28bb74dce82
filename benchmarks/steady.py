"""Checks that nothing grows, leaks or slows down: a job's pipeline over many frames, watched inside the process.

    python benchmarks/steady.py --frames 20000 --size 960x540 --model srvgg-24x8 --save steady.json
    python benchmarks/steady.py --frames 20000 --encode                        # with x264 into a file
    python benchmarks/steady.py --frames 600 --size 64x36 --backend onnx       # without a GPU

A clip is decoded repeatedly (its file is opened each time), submitted, collected and discarded, in the threads of a
job, as in `uprez bench`. Twice a second it is recorded how many frames are finished, the process's resident memory, the
GPU memory in use (by any process: nothing else should run there), and the process's threads. The last sample is taken
after the end. Twelve frames are upscaled before, so that what is created at first use exists.

Growth is the largest sample after a tenth of the frames, less the first one there; it is flat up to 1 % of that, or
16 MiB. Threads are counted before the pipeline starts and after it has ended, with the session open both times. A slot
that is not free at the end has leaked. "CPU" is processor time of the threads that submit and collect, per frame.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common.script import MIB, add_backend, out, parser, run, save, size
from rich.table import Table

from pipeline import PATTERN_DESCRIPTION, EnduranceReport, Settings, choose_backend, measure_endurance, write_pattern

WARM_SHARE = 0.1  # of the frames, before which growth is not judged


def main() -> None:
    args = arguments()
    chosen = {"model": args.model, "backend": args.backend, "preset": args.preset, "crf": 20}
    settings = Settings.load(None, **chosen, codec="libx264")
    choose_backend(settings)  # raises before a clip is generated
    with tempfile.TemporaryDirectory(prefix="uprez-steady-") as folder:
        clip = args.clip or write_pattern(Path(folder) / "clip.mp4", *args.size)
        report = measure_endurance(clip, settings, args.frames, args.encode)
    if args.clip is None:
        report = report.model_copy(update={"clip": PATTERN_DESCRIPTION})
    save(report, args.save)
    show(report)


def show(report: EnduranceReport) -> None:
    out.print(f"{report.model}, {report.source} to {report.result}, {report.encoder or 'discarded'}; {report.backend}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("at 10 %", "at 50 %", "at 100 %", "growth since 10 %"):
        table.add_column(column, justify="right")
    samples = [report.at(share) for share in (WARM_SHARE, 0.5, 1)]
    table.add_row("main memory, MiB", *(mib(sample.rss) for sample in samples), mib(report.grown_rss, 1))
    if report.grown_gpu is not None:
        table.add_row("GPU memory, MiB", *(mib(sample.gpu) for sample in samples), mib(report.grown_gpu, 1))
    table.add_row("threads", *(str(sample.threads) for sample in samples))
    out.print(table)
    threads = f"{report.threads_before} before, {report.threads_most} at most, {report.threads_after} after"
    slots = f"{report.slots_leaked} of {report.slots} slots leaked" if report.slots else "no slots"
    out.print(f"{report.frames} frames in {report.seconds:.1f} s, {report.rate:.1f} frames/s, {report.cpu:.3f} ms CPU")
    out.print(f"threads: {threads}; {slots}")
    out.print("flat" if report.flat else "NOT flat: memory grew by more than 1 % and 16 MiB")


def mib(size: int | None, digits: int = 0) -> str:
    return "" if size is None else f"{size / MIB:.{digits}f}"


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=20000, help="number of frames")
    options.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the generated clip")
    options.add_argument("--clip", type=Path, help="a video, instead of a generated one")
    options.add_argument("--model", default="srvgg-24x8")
    add_backend(options)
    options.add_argument("--encode", action="store_true", help="encode upscaled frames with x264 at crf 20")
    options.add_argument("--preset", default="ultrafast", help="of x264")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

"""Does anything grow, leak or slow down? The whole flow over many frames, watched from inside.

    python benchmarks/steady.py --frames 20000 --size 960x540 --model srvgg-24x8 --save steady.json
    python benchmarks/steady.py --frames 20000 --encode                        # through x264 into a file, too
    python benchmarks/steady.py --frames 600 --size 64x36 --backend onnx       # without a GPU

A clip is decoded again and again (its file opened anew each time), submitted, collected and discarded, in one line of
threads, as `uprez bench` does. Twice a second it is noted how many frames are done, the process's resident memory, what
is in use of the GPU's memory (by whomever: nothing else should run there), and the process's threads. The last sample
is taken when the line has come to rest. Twelve frames pass before it all, so that what is made at first use is there.

What grows is the largest sample after a tenth of the frames, less the first one there; it is flat up to 1 % of that, or
16 MiB. Threads are counted before the line begins and after it has ended, with the session open both times. A slot that
is not free at the end has leaked. "CPU" is processor time of the threads that submit and collect, for each frame.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table

from pipeline.config.settings import Settings
from pipeline.diagnostics import benchmark
from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.errors import OutputError, UprezError
from pipeline.files.components import open_source, queue_weight
from pipeline.files.plan import Plan, make_plan
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.media.reading.probe import probe
from pipeline.superres.backend_choice import choose_backend
from pipeline.superres.session import Session
from pipeline.superres.sessions import open_session
from pipeline.superres.stages import Collect, Submit
from pipeline.system import host
from pipeline.system.cuda import Gpu

MIB = 2**20
PATTERN = "drifting texture with grain, h264 with B-frames"
_BETWEEN = 0.5  # seconds from one sample to the next
_WARM = 0.1  # of the frames: what has not grown by then has no reason to
_FLAT_SHARE, _FLAT_BYTES = 0.01, 16 * MIB

out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


class Machine(BaseModel):
    """Where and when a report was made."""

    when: str = Field(description="UTC, ISO 8601")
    processor: str
    cores: int = Field(description="that the process may use")
    memory: int = Field(description="bytes of main memory")
    gpu: str | None = Field(description="name, compute capability and driver")
    versions: dict[str, str]


class Sample(BaseModel):
    """One look at the process. rss, gpu: bytes in use; gpu is null where none is."""

    frames: int
    seconds: float
    rss: int
    gpu: int | None
    threads: int


class Report(Machine):
    """One run of steady.py."""

    clip: str
    model: str
    backend: str
    source: str
    result: str
    encoder: str | None = Field(description="null where finished frames were discarded")
    frames: int
    seconds: float
    rate: float = Field(description="frames in a second, after a tenth of them")
    cpu: float = Field(description="milliseconds of processor time a frame, of the submit and upscale threads")
    grown_rss: int = Field(description="bytes, after a tenth of the frames")
    grown_gpu: int | None
    flat: bool
    threads_before: int
    threads_most: int
    threads_after: int
    slots: int = Field(description="of the rings, 0 where there are none")
    slots_leaked: int
    samples: list[Sample]

    def at(self, share: float) -> Sample:
        """The first sample at which this share of the frames was done."""
        return next(sample for sample in self.samples if sample.frames >= share * self.frames)


class _Count(Stage[Any, Any]):
    """Counts frames, which end here unless they are passed on."""

    def __init__(self, passed_on: bool) -> None:
        self._passed_on = passed_on
        self.frames = 0

    def feed(self, item: Any) -> Iterator[Any]:
        self.frames += 1
        if self._passed_on:
            yield item
        else:
            item.release()


class _Watch:
    """Takes samples of this process, no more than two a second."""

    def __init__(self, count: _Count, gpus: list[Gpu]) -> None:
        self._count, self._gpus = count, gpus
        self._process = psutil.Process()
        self._began = time.perf_counter()
        self.samples: list[Sample] = []

    def tick(self) -> None:
        if not self.samples or time.perf_counter() - self._began - self.samples[-1].seconds >= _BETWEEN:
            self.look()

    def look(self) -> None:
        used = [gpu.facts.memory - gpu.free_memory for gpu in self._gpus]
        self.samples.append(
            Sample(
                frames=self._count.frames,
                seconds=time.perf_counter() - self._began,
                rss=self._process.memory_info().rss,
                gpu=sum(used) if used else None,
                threads=self._process.num_threads(),
            )
        )


def main() -> None:
    args = _arguments()
    chosen = {"model": args.model, "backend": args.backend, "preset": args.preset, "crf": 20}
    settings = Settings.load(None, **chosen, codec="libx264")
    choose_backend(settings)
    with tempfile.TemporaryDirectory(prefix="uprez-steady-") as folder:
        clip = args.clip or write_pattern(Path(folder) / "clip.mp4", *args.size)
        plan = make_plan(probe(clip), Path(folder) / "result.mkv", settings)
        report = measured(replace(plan, copied=frozenset()), args.frames, args.encode)
    if args.clip is None:
        report = report.model_copy(update={"clip": PATTERN})
    save(report, args.save)
    _show(report)


def measured(plan: Plan, frames: int, encoded: bool) -> Report:
    """Send `frames` frames through one line, and tell what that did to the process."""
    gpus = [Gpu(device) for device in plan.settings.device] if plan.backend == "tensorrt" else []
    with open_session(plan.session_request) as session:
        benchmark._finished_frames(plan, session)
        before = _threads()
        samples, cpu = _flow(plan, session, frames, encoded, gpus)
        gc.collect()
        rings = [part._ring for part in getattr(session, "_sessions", [session]) if hasattr(part, "_ring")]
        return Report(
            **facts(plan),
            clip=plan.media.path.name,
            model=str(plan.model),
            backend=session.backend,
            source=str(session.source),
            result=str(session.output),
            encoder=_encoder(plan) if encoded else None,
            frames=samples[-1].frames,
            seconds=samples[-1].seconds,
            cpu=1000 * cpu / samples[-1].frames,
            threads_before=before,
            threads_most=max(sample.threads for sample in samples),
            threads_after=_threads(),
            slots=sum(len(ring.slots) for ring in rings),
            slots_leaked=sum(len(ring.slots) - ring.free for ring in rings),
            samples=samples,
            **_judged(samples),
        )


def _flow(plan: Plan, session: Session[Any], frames: int, encoded: bool, gpus: list[Gpu]) -> tuple[list[Sample], float]:
    """Run the line; gives its samples, and seconds of processor time between decoder and end."""
    count = _Count(passed_on=encoded)
    ending_of: Any = benchmark._ending(plan, count) if encoded else contextlib.nullcontext(count)  # type: ignore[arg-type]
    with open_source(plan) as source, ending_of as ending:
        stages: dict[str, Stage[Any, Any]] = {
            "decode": Chain(benchmark._decoder(plan, source), benchmark._Renumber(plan)),
            "submit": Submit(session),
            "upscale": Collect(session),
            "encode" if encoded else "discard": ending,
        }
        packets = itertools.islice(benchmark._packets(source), frames)
        line = Pipeline(packets, stages, plan.settings.queue, queue_weight(plan.settings))
        watch = _Watch(count, gpus)
        line.start()
        line.wait(watch.tick)
        watch.look()
        return watch.samples, sum(meter.cpu for meter in line.meters if meter.name in ("submit", "upscale"))


def _judged(samples: list[Sample]) -> dict[str, Any]:
    """How much memory grew after the warm-up, whether that is flat, and the rate since then."""
    last = samples[-1]
    warm = [sample for sample in samples if sample.frames >= _WARM * last.frames]
    first = warm[0] if len(warm) > 1 else samples[0]
    grown_rss = max(sample.rss for sample in warm) - first.rss
    grown_gpu = None if first.gpu is None else max(sample.gpu or 0 for sample in warm) - first.gpu
    flat = _is_flat(grown_rss, first.rss) and _is_flat(grown_gpu or 0, first.gpu or 0)
    rate = (last.frames - first.frames) / (last.seconds - first.seconds)
    return {"grown_rss": grown_rss, "grown_gpu": grown_gpu, "flat": flat, "rate": rate}


def _is_flat(grown: int, size: int) -> bool:
    return grown <= max(_FLAT_SHARE * size, _FLAT_BYTES)


def _threads() -> int:
    return psutil.Process().num_threads()


def _encoder(plan: Plan) -> str:
    options = " ".join(f"{key}={value}" for key, value in plan.encoding.options.items())
    return f"{plan.encoding.codec} {options}, {plan.encoding.encoders} at once"


def _show(report: Report) -> None:
    out.print(f"{report.model}, {report.source} to {report.result}, {report.encoder or 'discarded'}; {report.backend}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("at 10 %", "at 50 %", "at 100 %", "grown since 10 %"):
        table.add_column(column, justify="right")
    samples = [report.at(share) for share in (_WARM, 0.5, 1)]
    table.add_row("main memory, MiB", *(_mib(sample.rss) for sample in samples), _mib(report.grown_rss, 1))
    if report.grown_gpu is not None:
        table.add_row("GPU memory, MiB", *(_mib(sample.gpu) for sample in samples), _mib(report.grown_gpu, 1))
    table.add_row("threads", *(str(sample.threads) for sample in samples))
    out.print(table)
    threads = f"{report.threads_before} before, {report.threads_most} at most, {report.threads_after} after"
    slots = f"{report.slots_leaked} of {report.slots} slots leaked" if report.slots else "no ring of slots"
    out.print(f"{report.frames} frames in {report.seconds:.1f} s, {report.rate:.1f} frames/s, {report.cpu:.3f} ms CPU")
    out.print(f"threads: {threads}; {slots}")
    out.print("flat" if report.flat else "NOT flat: it grew by more than 1 % and 16 MiB")


def _mib(size: int | None, digits: int = 0) -> str:
    return "" if size is None else f"{size / MIB:.{digits}f}"


def facts(plan: Plan) -> dict[str, Any]:
    """The fields of Machine, for a report of what `plan` runs on."""
    found = host.gpus() if plan.backend == "tensorrt" else []
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": host.processor(),
        "cores": host.cores(),
        "memory": host.memory(),
        "gpu": benchmark._named([found[device] for device in plan.settings.device] if found else []),
        "versions": host.versions(),
    }


def save(report: BaseModel, path: Path | None) -> None:
    """Write a report as JSON, if that is wished for. Raises OutputError."""
    if path is None:
        return
    try:
        path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"--save {path}: {error.strerror}") from error


def size(text: str) -> tuple[int, int]:
    """An argument such as 960x540."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or not all(int(length) >= 16 and int(length) % 2 == 0 for length in match.groups()):
        raise argparse.ArgumentTypeError(f"{text}: WIDTHxHEIGHT, both even and at least 16, such as 1920x1080")
    return int(match[1]), int(match[2])


def guarded(main: Callable[[], None]) -> None:
    """Run a script; what the project raises on purpose becomes one line and exit code 2."""
    try:
        main()
    except UprezError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(2)


def arguments(about: str | None) -> argparse.ArgumentParser:
    """A parser with the options that these scripts share."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the report, JSON, to this file")
    return parser


def backend(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses what upscales."""
    choices = ("auto", "tensorrt", "onnx")
    parser.add_argument("--backend", choices=choices, default="auto", help="what upscales; auto: a GPU if it can")


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--frames", type=int, default=20000, help="how many go through")
    parser.add_argument(
        "--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the clip that is made"
    )
    parser.add_argument("--clip", type=Path, help="a video, instead of one that is made")
    parser.add_argument("--model", default="srvgg-24x8")
    backend(parser)
    parser.add_argument("--encode", action="store_true", help="encode what is finished, with x264 at crf 20")
    parser.add_argument("--preset", default="ultrafast", help="of x264")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

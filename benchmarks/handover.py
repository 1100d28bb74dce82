"""Time that threads spend on a frame outside of the network: a job's pipeline with a session that does no work.

    python benchmarks/handover.py --save handover.json                # small frames: what Python costs
    python benchmarks/handover.py --size 960x540                      # with the decoding of such frames
    python benchmarks/handover.py --backend tensorrt --size 960x540   # with copies and kernels on a GPU

A generated clip is decoded, submitted, collected and discarded, in the threads of a job. Only one thread at a time can
execute Python, so the sum of what they need bounds the rate, however fast codecs and GPU are; on small frames, it is
nearly all that there is. For each thread and frame, the table shows microseconds of processor time, at work (which
includes waiting for the interpreter), and waiting for the thread before and after. A switch is a thread that goes to
sleep, to wait for another one. The median of several runs counts.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common.script import out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import (
    PATTERN_DESCRIPTION,
    Chain,
    Collect,
    Frame,
    HostFacts,
    Pipeline,
    Plan,
    Session,
    Settings,
    Stage,
    Submit,
    decoding_stage,
    host_facts,
    make_plan,
    open_session,
    open_source,
    probe,
    write_pattern,
)


class ThreadTime(BaseModel):
    """The time of one thread for a frame, in microseconds."""

    name: str = Field(description="decode, submit or upscale")
    cpu: float = Field(description="processor time")
    busy: float = Field(description="time at work")
    starved: float = Field(description="time spent waiting for the thread before")
    blocked: float = Field(description="time spent waiting for the thread behind")


class Run(BaseModel):
    """One pass over the clip."""

    rate: float = Field(description="frames per second, from the first packet to the end")
    switches: float = Field(description="times that a thread went to sleep, per frame, decoding threads included")
    threads: list[ThreadTime]


class Report(HostFacts):
    """The runs on one clip."""

    clip: str
    backend: str
    source: str = Field(description="size and pixel format of the clip")
    frames: int = Field(description="frames of the clip")
    median: Run = Field(description="the run with the median rate")
    rates: list[float] = Field(description="the rates of all runs")


class NoWork(Session[tuple[int, int]]):
    """Returns the same frame for each submitted one, at its time."""

    def __init__(self, plan: Plan) -> None:
        request = plan.session_request
        super().__init__(request.model, request.source, request.output)
        self._planes = self.output.split(np.zeros(self.output.bytes, np.uint8))

    @property
    def backend(self) -> str:
        return "no work"

    def submit(self, frame: Frame) -> tuple[int, int]:
        frame.release()
        return frame.pts, frame.duration

    def collect(self, ticket: tuple[int, int]) -> Frame:
        return Frame(self.output, self._planes, *ticket)

    def queue_network(self, frames: int) -> None:
        pass

    def close(self) -> None:
        pass


class Discard(Stage[Frame, Frame]):
    """Releases frames and counts them."""

    frames = 0

    def feed(self, item: Frame) -> Iterator[Frame]:
        self.frames += 1
        item.release()
        return iter(())


def main() -> None:
    args = arguments()
    on_gpu = args.backend == "tensorrt"
    settings = Settings.load(None, model=args.model, backend=args.backend if on_gpu else "onnx", streams="video")
    with tempfile.TemporaryDirectory(prefix="uprez-handover-") as folder:
        clip = write_pattern(Path(folder) / "clip.mp4", *args.size, frames=args.frames)
        plan = make_plan(probe(clip), Path(folder) / "unused.mkv", settings)
        with open_session(plan.session_request) if on_gpu else NoWork(plan) as session:
            measure(plan, session)  # what is created at first use exists after this
            runs = [measure(plan, session) for _ in range(args.runs)]
    report = Report(
        **host_facts(settings.device if on_gpu else ()).model_dump(),
        clip=PATTERN_DESCRIPTION,
        backend=session.backend,
        source=str(session.source),
        frames=args.frames,
        median=sorted(runs, key=lambda each: each.rate)[len(runs) // 2],
        rates=[each.rate for each in runs],
    )
    save(report, args.save)
    show(report)


def measure(plan: Plan, session: Session[Any]) -> Run:
    """Run the pipeline over the clip once."""
    discard = Discard()
    with open_source(plan) as source:
        stages: dict[str, Stage[Any, Any]] = {
            "decode": decoding_stage(plan, source),
            "submit": Submit(session),
            "upscale": Chain(Collect[Any](session), discard),
        }
        running = Pipeline(source, stages, plan.settings.queue)
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        running.start()
        running.wait()
        seconds, switches = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
    micro = 1e6 / discard.frames
    threads = [
        ThreadTime(
            name=meter.name,
            cpu=meter.cpu * micro,
            busy=meter.busy * micro,
            starved=meter.starved * micro,
            blocked=meter.blocked * micro,
        )
        for meter in running.meters
    ]
    return Run(rate=discard.frames / seconds, switches=switches / discard.frames, threads=threads)


def show(report: Report) -> None:
    out.print(f"{report.source}, {report.frames} frames; {report.backend}; {report.cores} cores")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("us per frame", "processor", "at work", "starved", "blocked"):
        table.add_column(column, justify="left" if column == "us per frame" else "right")
    for thread in report.median.threads:
        times = (thread.cpu, thread.busy, thread.starved, thread.blocked)
        table.add_row(thread.name, *(f"{value:.1f}" for value in times))
    out.print(table)
    total = sum(thread.cpu for thread in report.median.threads)
    rates = " ".join(f"{rate:.0f}" for rate in sorted(report.rates))
    out.print(f"{report.median.rate:.0f} frames/s (all runs: {rates}), {report.median.switches:.1f} switches a frame")
    out.print(f"{total:.1f} us of processor time a frame")


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--size", type=size, default=(64, 36), metavar="WIDTHxHEIGHT", help="of the generated clip")
    options.add_argument("--frames", type=int, default=4000, help="frames of the clip")
    options.add_argument("--runs", type=int, default=5, help="passes over the clip")
    options.add_argument("--backend", choices=("none", "tensorrt"), default="none", help="none: a session without work")
    options.add_argument("--model", default="srvgg-24x8")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

"""A soak test of `uprez live`: random faults, from each of which it must recover, without growing.

    python benchmarks/soak.py --minutes 20 --size 320x180 --rate 15 --backend onnx --model identity --save soak.json
    python benchmarks/soak.py --minutes 20 --size 960x540 --rate 30 --servers plain            # without GStreamer
    python benchmarks/soak.py --minutes 1 --every 10 --size 160x90 --backend onnx --model identity

One stream goes to an RTSP server and into files in segments, while every `--every` seconds a random fault is injected,
always the same with the same `--seed`: the source is killed and restarted, is frozen and continued, is restarted with
another size, another codec, or another password, which is in uprez's secret file some seconds later; the output is
killed, or frozen. `--servers`: `gst`, two GStreamer RTSP servers, or `plain`, MPEG-TS over HTTP and FFmpeg's own RTSP
server. Every second, memory, threads, files and children of the process are sampled.

The verdict, and the exit code (0 or 1):

- back      after each fault, frames arrive within 3 s of the server's return; a new password is tried within 10 s
- flat      memory grows by less than 1 % or 16 MiB in the run without its first three minutes (or fifth), by the median
            of all slopes (Theil, Sen); threads, files and children by less than 2
- counted   frames decoded are frames encoded and frames dropped
- readable  each file opens, its times rise, and no unfinished one is left
- ended     within 2 s of SIGTERM, with exit code 0, and no process is left
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import psutil
from common.script import MIB, add_backend, out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table
from rig.fault_rigs import FAULT_RIGS, Fault, FaultInjector, FaultRig

from pipeline import BackendError, HostFacts, StreamFigures, host_facts

if TYPE_CHECKING:
    from rig.fault_rigs import ReceivedFrame

    from tests.servers import Uprez

FIRST_FRAME_SECONDS = 60.0  # maximum
BACK_SECONDS, BACK_LOCKED_SECONDS, END_SECONDS = 3.0, 10.0, 2.0  # maximum
WARM_SECONDS, WARM_SHARE = 180.0, 0.2
FLAT_SHARE, FLAT_BYTES, FLAT_COUNT = 0.01, 16 * MIB, 2
PAUSE_SECONDS = 10.0  # minimum from the repair of one fault to the next
REST_SECONDS = 5.0  # minimum from the last repair to the end
SEGMENT = "30s"


class Sample(BaseModel):
    """The process (rss, threads, files), and with its children (rss_all, children), at one moment."""

    seconds: float
    rss: int
    rss_all: int
    threads: int
    files: int = Field(description="descriptors: files, pipes and sockets")
    children: int


class Report(HostFacts):
    """One run of soak.py."""

    servers: str
    source: str
    seed: int
    seconds: float
    every: float
    faults: list[Fault]
    growth: dict[str, float] = Field(description="growth of each figure of a sample, in the run without its beginning")
    memory_an_hour: float = Field(description="growth of the process in bytes per hour")
    last: StreamFigures
    miscounted: int = Field(description="frames decoded, less those encoded or dropped")
    files: int = Field(description="segments written")
    unreadable: list[str] = Field(description="segments that are unreadable, with the reason")
    ending: float = Field(description="seconds from SIGTERM to the end")
    code: int | None
    left: int = Field(description="processes that are left")
    wrong: list[str] = Field(description="reasons of a bad verdict; empty if it is good")
    samples: list[Sample]


def main() -> None:
    args = arguments()
    report = soak(args)
    save(report, args.save)
    show(report)
    if report.wrong:
        sys.exit(1)


def soak(args: argparse.Namespace) -> Report:
    """Run everything and judge it."""
    from tests.servers import Uprez

    with tempfile.TemporaryDirectory(prefix="uprez-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        rig = FAULT_RIGS[args.servers](folder, args.size, args.rate)
        stack.enter_context(rig.output)
        stack.enter_context(rig.source)
        chosen = ("--model", args.model, "--backend", args.backend, "--preset", args.preset, "--segment", SEGMENT)
        outputs = ("--to", rig.sink, "--to", folder / "soak.mkv")
        uprez = stack.enter_context(Uprez(rig.address, *outputs, *chosen, *args.arguments, is_patient=False))
        began = time.monotonic()
        with Sampler(uprez, began) as sampler:
            faults = inject_faults(rig, uprez, args, began)
        ending = uprez.end(signal.SIGTERM)
        assert uprez.stream
        report = Report(
            **host_facts(None).model_dump(),
            servers=args.servers,
            source="{}x{} at {:g} frames/s".format(*args.size, args.rate),
            seed=args.seed,
            seconds=time.monotonic() - began,
            every=args.every,
            faults=with_recovery(faults, rig.received(), began, args.size[0]),
            **growth(sampler.samples),
            last=uprez.stream,
            miscounted=uprez.stream.frames_in - uprez.stream.frames_out - sum(uprez.stream.dropped.values()),
            files=len(list(folder.glob("soak-*.mkv"))),
            unreadable=unreadable(folder),
            ending=ending,
            code=uprez.code,
            left=len(uprez.orphans()),
            wrong=[],
            samples=sampler.samples,
        )
        return report.model_copy(update={"wrong": judge(report)})


class Sampler:
    """Takes a sample every second, in a thread that runs inside a `with` block."""

    def __init__(self, uprez: Uprez, began: float) -> None:
        self._uprez, self._began = uprez, began
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="soak-sampler")
        self.samples: list[Sample] = []

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            with suppress(psutil.NoSuchProcess):
                self.samples.append(self._sample())

    def _sample(self) -> Sample:
        own = psutil.Process(self._uprez.pid)
        family = self._uprez.family()
        with own.oneshot():
            return Sample(
                seconds=time.monotonic() - self._began,
                rss=own.memory_info().rss,
                rss_all=sum(resident_bytes(each) for each in family),
                threads=own.num_threads(),
                files=own.num_fds(),
                children=len(family) - 1,
            )


def resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def inject_faults(rig: FaultRig, uprez: Uprez, args: argparse.Namespace, began: float) -> list[Fault]:
    """Inject faults for the duration of the test, with a pause at the end."""
    from tests.servers import until

    try:
        until(lambda: rig.received() or uprez.code is not None, "the first frame arrives", FIRST_FRAME_SECONDS)
    except AssertionError as error:
        raise BackendError(f"{error}; uprez reports: {uprez.errors or uprez.stream}") from None
    injector, faults = FaultInjector(rig, args.seed, began), []
    due = time.monotonic() + args.every / 2
    end = began + 60 * args.minutes
    while due < end and uprez.code is None:
        time.sleep(max(0.0, due - time.monotonic()))
        faults.append(injector.next())
        fault = faults[-1]
        print(f"{fault.began:7.1f} s  {fault.kind}, {fault.detail}", file=sys.stderr, flush=True)
        due = max(due + args.every, time.monotonic() + PAUSE_SECONDS)
    time.sleep(max(REST_SECONDS, end - time.monotonic()))
    return faults


def with_recovery(faults: Sequence[Fault], frames: Sequence[ReceivedFrame], began: float, width: int) -> list[Fault]:
    """The faults with the time of the first frame after each that is upscaled from the size the source then had.

    Args:
        width: Width of the source at first.
    """
    scale = frames[0].size[0] // width
    recovered = []
    for fault, following in itertools.zip_longest(faults, faults[1:]):
        until = following.began if following else float("inf")
        times = (each.at - began for each in frames if each.size[0] == scale * fault.size[0])
        back = next((at for at in times if fault.repaired < at < until), None)
        recovered.append(fault.model_copy(update={"back": back}))
    return recovered


def growth(samples: Sequence[Sample]) -> dict[str, Any]:
    """The growth of each figure after the warm-up, by the median of the slopes between any two samples."""
    late = after_warm_up(samples)
    times = np.array([sample.seconds for sample in late])
    seconds = times[-1] - times[0]
    names = ("rss", "rss_all", "threads", "files", "children")
    grown = {name: slope(times, np.array([getattr(sample, name) for sample in late])) * seconds for name in names}
    return {"growth": grown, "memory_an_hour": grown["rss"] / seconds * 3600}


def after_warm_up(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples after the warm-up."""
    warm = min(WARM_SECONDS, WARM_SHARE * samples[-1].seconds)
    return [sample for sample in samples if sample.seconds >= warm]


def slope(times: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> float:
    one, other = np.triu_indices(len(times), 1)
    return float(np.median((values[other] - values[one]) / (times[other] - times[one])))


def unreadable(folder: Path) -> list[str]:
    """The segments that are unreadable, with the reason."""
    wrong = [f"{path.name} was not finished" for path in folder.glob("*.part*")]
    for path in sorted(folder.glob("soak-*.mkv")):
        if ".part" in path.name:
            continue
        try:
            with av.open(str(path)) as container:
                times = [frame.pts for frame in container.decode(video=0)]
        except (av.FFmpegError, IndexError) as error:
            wrong.append(f"{path.name}: {type(error).__name__}")
            continue
        if not times or any(one is None or other is None or other <= one for one, other in itertools.pairwise(times)):
            wrong.append(f"{path.name}: {len(times)} frames, whose times don't rise")
    return wrong


def judge(report: Report) -> list[str]:
    """The reasons of a bad verdict."""
    wrong = []
    for fault in report.faults:
        allowed = BACK_LOCKED_SECONDS if fault.kind == "password changed" else BACK_SECONDS
        if fault.took is None or fault.took > allowed:
            took = "no frame arrived" if fault.took is None else f"frames arrived after {fault.took:.1f} s"
            wrong.append(f"{fault.began:.0f} s: {fault.kind}, {fault.detail}: {took}; {allowed:g} s are allowed")
    first = after_warm_up(report.samples)[0]
    for name, grown in report.growth.items():
        memory = name.startswith("rss")
        allowed = max(FLAT_SHARE * getattr(first, name), FLAT_BYTES) if memory else FLAT_COUNT
        if grown > allowed:
            wrong.append(f"{name} grew by {grown / MIB:.1f} MiB" if memory else f"{name} grew by {grown:.1f}")
    if report.miscounted:
        wrong.append(f"{report.miscounted} frames are not accounted for")
    wrong.extend(report.unreadable)
    if report.ending > END_SECONDS or report.code != 0 or report.left:
        wrong.append(f"ended after {report.ending:.1f} s with {report.code}, and left {report.left} processes")
    return wrong


def show(report: Report) -> None:
    last = report.last
    out.print(f"{report.source}, {last.model} on {last.backend}; {report.servers}, {report.seconds / 60:.1f} min")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("at, s", "fault", "", "back after, s"):
        table.add_column(column, justify="right" if column in ("at, s", "back after, s") else "left")
    for fault in report.faults:
        took = "never" if fault.took is None else f"{fault.took:.2f}"
        table.add_row(f"{fault.began:.0f}", fault.kind, fault.detail, took)
    out.print(table)
    first, final = after_warm_up(report.samples)[0], report.samples[-1]
    out.print(
        f"memory {first.rss / MIB:.0f} MiB after {first.seconds:.0f} s, {final.rss / MIB:.0f} at last, "
        f"{report.memory_an_hour / MIB:+.1f} MiB an hour; "
        f"with children {first.rss_all / MIB:.0f} and {final.rss_all / MIB:.0f}"
    )
    for name in ("threads", "files", "children"):
        most = max(getattr(sample, name) for sample in report.samples)
        out.print(f"{name}: {getattr(first, name)} at first, {getattr(final, name)} at the end, {most} at most")
    out.print(f"frames: {last.frames_in} in, {last.frames_out} out, dropped {last.dropped or 'none'}")
    out.print(f"connected {last.connects} times; {last.faults}; {report.files} files")
    out.print(f"ended {report.ending:.2f} s after SIGTERM with {report.code}; {report.left} processes left")
    out.print("good" if not report.wrong else "BAD:\n" + "\n".join(f"  {line}" for line in report.wrong))


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--minutes", type=float, default=20, help="duration of the test")
    options.add_argument("--every", type=float, default=30, help="seconds from one fault to the next")
    options.add_argument("--seed", type=int, default=6, help="of the random faults")
    options.add_argument("--servers", choices=sorted(FAULT_RIGS), default="gst", help="servers of source and output")
    options.add_argument(
        "--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the source, at first"
    )
    options.add_argument("--rate", type=float, default=30, help="of the source, in frames a second")
    options.add_argument("--model", default="srvgg-24x8")
    options.add_argument("--preset", default="ultrafast", help="of x264")
    add_backend(options)
    options.add_argument("arguments", nargs="*", help="after --: further arguments of `uprez live`")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

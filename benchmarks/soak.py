"""Does `uprez live` come back from everything, for as long as one likes, and does nothing of it grow?

    python benchmarks/soak.py --minutes 20 --size 320x180 --rate 15 --backend onnx --model identity --save soak.json
    python benchmarks/soak.py --minutes 20 --size 960x540 --rate 30 --servers plain            # without GStreamer
    python benchmarks/soak.py --minutes 1 --every 10 --size 160x90 --backend onnx --model identity

One stream goes to an RTSP server and into files in segments, while each `--every` seconds something happens, by chance,
but always the same with the same `--seed`: the source is killed and comes back, is frozen and thawed, comes back in
another size, with another codec, or with another password, which uprez's secret file tells some seconds later; the
output is killed, or frozen. `--servers`: `gst`, two of GStreamer's RTSP servers, or `plain`, MPEG-TS over HTTP and an
RTSP server of FFmpeg's own. Each second it is noted what the process and its children hold, and what it tells.

The verdict, and the exit code (0 or 1):

- back      after each fault, within 3 s of the return of what was gone; a new password is tried within 10 s
- flat      what memory grew by in the run, its first three minutes (or a fifth) left out, by the median of all slopes
            (Theil, Sen), is less than 1 % or 16 MiB; threads, files and children by less than 2
- counted   frames decoded are frames encoded and frames dropped
- readable  each file opens, its times rise, and no unfinished one is left
- ended     within 2 s of SIGTERM, with code 0, and no process is left
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
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import psutil
from pydantic import BaseModel, Field
from rich.table import Table
from rig.theatre import THEATRES, Fault, FaultRig, Mischief
from steady import MIB, Machine, arguments, backend, guarded, out, save, size

from pipeline.errors import BackendError
from pipeline.live.stats import StreamFigures
from pipeline.system import host

if TYPE_CHECKING:
    from rig.theatre import ReceivedFrame

    from tests.servers import Uprez

_COME = 60.0  # seconds until the first picture must be there
_BACK, _BACK_LOCKED, _END = 3.0, 10.0, 2.0  # seconds
_WARM_SECONDS, _WARM_SHARE = 180.0, 0.2
_FLAT_SHARE, _FLAT_BYTES, _FLAT_COUNT = 0.01, 16 * MIB, 2
_PEACE = 10.0  # seconds at least from the mending of one fault to the next
_REST = 5.0  # and to the end
_SEGMENT = "30s"


class Sample(BaseModel):
    """One look at the process (rss, threads, files) and at all of its family (rss_all, children)."""

    seconds: float
    rss: int
    rss_all: int
    threads: int
    files: int = Field(description="descriptors: files, pipes and sockets")
    children: int


class Report(Machine):
    """One run of soak.py."""

    servers: str
    source: str
    seed: int
    seconds: float
    every: float
    faults: list[Fault]
    growth: dict[str, float] = Field(description="of each figure of a sample, in the run without its beginning")
    memory_an_hour: float = Field(description="bytes, of the process")
    last: StreamFigures
    miscounted: int = Field(description="frames decoded, less those encoded or dropped")
    files: int = Field(description="segments that were written")
    unreadable: list[str] = Field(description="what is wrong with which segment")
    ending: float = Field(description="seconds from SIGTERM to the end")
    code: int | None
    left: int = Field(description="processes")
    wrong: list[str] = Field(description="why the verdict is bad; empty if it is good")
    samples: list[Sample]


def main() -> None:
    args = _arguments()
    report = soaked(args)
    save(report, args.save)
    _show(report)
    if report.wrong:
        sys.exit(1)


def soaked(args: argparse.Namespace) -> Report:
    """Run it all; the report, with its verdict."""
    from tests.servers import Uprez

    with tempfile.TemporaryDirectory(prefix="uprez-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        theatre = THEATRES[args.servers](folder, args.size, args.rate)
        stack.enter_context(theatre.output)
        stack.enter_context(theatre.source)
        chosen = ("--model", args.model, "--backend", args.backend, "--preset", args.preset, "--segment", _SEGMENT)
        outputs = ("--to", theatre.sink, "--to", folder / "soak.mkv")
        uprez = stack.enter_context(Uprez(theatre.address, *outputs, *chosen, *args.arguments))
        began = time.monotonic()
        with _Watch(uprez, began) as watch:
            faults = _play(theatre, uprez, args, began)
        ending = uprez.end(signal.SIGTERM)
        assert uprez.stream
        report = Report(
            **_facts(),
            servers=args.servers,
            source="{}x{} at {:g} frames/s".format(*args.size, args.rate),
            seed=args.seed,
            seconds=time.monotonic() - began,
            every=args.every,
            faults=_answered(faults, theatre.arrivals(), began, args.size[0]),
            **_grown(watch.samples),
            last=uprez.stream,
            miscounted=uprez.stream.frames_in - uprez.stream.frames_out - sum(uprez.stream.dropped.values()),
            files=len(list(folder.glob("soak-*.mkv"))),
            unreadable=_unreadable(folder),
            ending=ending,
            code=uprez.code,
            left=len(uprez.orphans()),
            wrong=[],
            samples=watch.samples,
        )
        return report.model_copy(update={"wrong": _judged(report)})


class _Watch:
    """A thread that takes a sample each second, in a `with`."""

    def __init__(self, uprez: Uprez, began: float) -> None:
        self._uprez, self._began = uprez, began
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="soak-watch")
        self.samples: list[Sample] = []

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(1.0):
            with suppress(psutil.NoSuchProcess):
                self.samples.append(self._sample())

    def _sample(self) -> Sample:
        own = psutil.Process(self._uprez.pid)
        family = self._uprez.family()
        with own.oneshot():
            return Sample(
                seconds=time.monotonic() - self._began,
                rss=own.memory_info().rss,
                rss_all=sum(_rss(each) for each in family),
                threads=own.num_threads(),
                files=own.num_fds(),
                children=len(family) - 1,
            )


def _rss(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _play(theatre: FaultRig, uprez: Uprez, args: argparse.Namespace, began: float) -> list[Fault]:
    """Let things happen for as long as asked for; it ends in peace."""
    from tests.servers import until

    try:
        until(lambda: theatre.arrivals() or uprez.code is not None, "the first picture comes out", _COME)
    except AssertionError as error:
        raise BackendError(f"{error}; uprez says: {uprez.errors or uprez.stream}") from None
    mischief, faults = Mischief(theatre, args.seed, began), []
    due = time.monotonic() + args.every / 2
    end = began + 60 * args.minutes
    while due < end and uprez.code is None:
        time.sleep(max(0.0, due - time.monotonic()))
        faults.append(mischief.next())
        fault = faults[-1]
        print(f"{fault.began:7.1f} s  {fault.kind}, {fault.detail}", file=sys.stderr, flush=True)
        due = max(due + args.every, time.monotonic() + _PEACE)
    time.sleep(max(_REST, end - time.monotonic()))
    return faults


def _answered(faults: Sequence[Fault], arrivals: Sequence[ReceivedFrame], began: float, width: int) -> list[Fault]:
    """The faults, with the time of the first picture after each that is enlarged from the size the source then had.

    width: of the source at first.
    """
    scale = arrivals[0].size[0] // width
    answered = []
    for fault, following in itertools.zip_longest(faults, faults[1:]):
        until = following.began if following else float("inf")
        came = (each.at - began for each in arrivals if each.size[0] == scale * fault.size[0])
        back = next((at for at in came if fault.mended < at < until), None)
        answered.append(fault.model_copy(update={"back": back}))
    return answered


def _grown(samples: Sequence[Sample]) -> dict[str, Any]:
    """What each figure grew by, when its beginning is left out; by the median of the slopes between any two samples."""
    late = _late(samples)
    times = np.array([sample.seconds for sample in late])
    lasted = times[-1] - times[0]
    names = ("rss", "rss_all", "threads", "files", "children")
    growth = {name: _slope(times, np.array([getattr(sample, name) for sample in late])) * lasted for name in names}
    return {"growth": growth, "memory_an_hour": growth["rss"] / lasted * 3600}


def _late(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those after the beginning."""
    warm = min(_WARM_SECONDS, _WARM_SHARE * samples[-1].seconds)
    return [sample for sample in samples if sample.seconds >= warm]


def _slope(times: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> float:
    one, other = np.triu_indices(len(times), 1)
    return float(np.median((values[other] - values[one]) / (times[other] - times[one])))


def _unreadable(folder: Path) -> list[str]:
    """What is wrong with the segments."""
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
            wrong.append(f"{path.name}: {len(times)} pictures, whose times don't rise")
    return wrong


def _judged(report: Report) -> list[str]:
    """Why the verdict is bad."""
    wrong = []
    for fault in report.faults:
        allowed = _BACK_LOCKED if fault.kind == "password changed" else _BACK
        if fault.took is None or fault.took > allowed:
            took = "did not come back" if fault.took is None else f"came back after {fault.took:.1f} s"
            wrong.append(f"{fault.began:.0f} s: {fault.kind}, {fault.detail}: {took}; {allowed:g} s are allowed")
    first = _late(report.samples)[0]
    for name, grown in report.growth.items():
        memory = name.startswith("rss")
        allowed = max(_FLAT_SHARE * getattr(first, name), _FLAT_BYTES) if memory else _FLAT_COUNT
        if grown > allowed:
            wrong.append(f"{name} grew by {grown / MIB:.1f} MiB" if memory else f"{name} grew by {grown:.1f}")
    if report.miscounted:
        wrong.append(f"{report.miscounted} frames are not accounted for")
    wrong.extend(report.unreadable)
    if report.ending > _END or report.code != 0 or report.left:
        wrong.append(f"ended after {report.ending:.1f} s with {report.code}, and left {report.left} processes")
    return wrong


def _facts() -> dict[str, Any]:
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": host.processor(),
        "cores": host.cores(),
        "memory": host.memory(),
        "gpu": ", ".join(gpu.name for gpu in host.gpus()) or None,
        "versions": host.versions(),
    }


def _show(report: Report) -> None:
    last = report.last
    out.print(f"{report.source}, {last.model} on {last.backend}; {report.servers}, {report.seconds / 60:.1f} min")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("at, s", "what", "", "back after, s"):
        table.add_column(column, justify="right" if column in ("at, s", "back after, s") else "left")
    for fault in report.faults:
        took = "never" if fault.took is None else f"{fault.took:.2f}"
        table.add_row(f"{fault.began:.0f}", fault.kind, fault.detail, took)
    out.print(table)
    first, final = _late(report.samples)[0], report.samples[-1]
    out.print(
        f"memory {first.rss / MIB:.0f} MiB after {first.seconds:.0f} s, {final.rss / MIB:.0f} at last, "
        f"{report.memory_an_hour / MIB:+.1f} MiB an hour; "
        f"with children {first.rss_all / MIB:.0f} and {final.rss_all / MIB:.0f}"
    )
    for name in ("threads", "files", "children"):
        most = max(getattr(sample, name) for sample in report.samples)
        out.print(f"{name}: {getattr(first, name)} then, {getattr(final, name)} at last, {most} at most")
    out.print(f"frames: {last.frames_in} in, {last.frames_out} out, dropped {last.dropped or 'none'}")
    out.print(f"connected {last.connects} times; {last.faults}; {report.files} files")
    out.print(f"ended {report.ending:.2f} s after SIGTERM with {report.code}; {report.left} processes left")
    out.print("good" if not report.wrong else "BAD:\n" + "\n".join(f"  {line}" for line in report.wrong))


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="how long")
    parser.add_argument("--every", type=float, default=30, help="seconds from one fault to the next")
    parser.add_argument("--seed", type=int, default=6, help="of chance")
    parser.add_argument("--servers", choices=sorted(THEATRES), default="gst", help="what uprez plays against")
    parser.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the source, at first")
    parser.add_argument("--rate", type=float, default=30, help="of the source, in frames a second")
    parser.add_argument("--model", default="srvgg-24x8")
    parser.add_argument("--preset", default="ultrafast", help="of x264")
    backend(parser)
    parser.add_argument("arguments", nargs="*", help="after --: further arguments of `uprez live`")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

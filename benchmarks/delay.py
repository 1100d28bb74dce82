"""How old is a picture when it is watched? From a barcode's drawing to its reading, through real servers.

    python benchmarks/delay.py --size 1920x1080 --rate 30 --model srvgg-64x16 --save delay.json
    python benchmarks/delay.py --way listen                                 # where GStreamer's RTSP server can't be had
    python benchmarks/delay.py --size 160x90 --backend onnx --model identity --seconds 10          # without a GPU

A process draws the time into each picture, encodes it (x264 ultrafast, zerolatency) and publishes it. `uprez live`
reads it from there and publishes what it made; a plain reader of FFmpeg with low delay reads that, and the time in it.
All on one machine, whose clock they share. `--way`:

    rtsp     RECORD at a server of GStreamer's, PLAY to uprez, RECORD at the server again, PLAY to who watches
    listen   MPEG-TS over TCP to uprez, from there RECORD at an RTSP server of FFmpeg's own
    tcp udp  MPEG-TS both ways

- one way      to a reader at the first server, uprez left out (only `rtsp`)
- without      the whole way, with a program in uprez's place that passes packets on as they are
- with uprez   the whole way
- own share    with uprez less without, of each percentile
- told         what uprez itself tells: from a packet's coming to the hand-over of what became of it

MPEG-TS tells where a picture ends only by the next one's beginning: there each reader adds a picture's duration, which
both rows contain. The first seconds (`--warm`) after the first picture are left out. "lost" is what was drawn between
the first and the last picture watched, and not seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, Field
from rich.table import Table
from rig.passages import WAYS, Relay, passage
from steady import Machine, arguments, backend, guarded, out, save, size

from pipeline.errors import BackendError
from pipeline.live.stats import Delay
from pipeline.system import host

if TYPE_CHECKING:
    from tests.servers import WatchedFrame, Watcher

_COME = 60.0  # seconds until the first picture must be there


class Spread(BaseModel):
    """Delays in ms of the pictures that were watched in one row."""

    pictures: int
    lost: int = Field(description="that should have been there between the first and the last")
    p50: float
    p95: float
    p99: float
    worst: float


class Report(Machine):
    """One run of delay.py."""

    way: str
    size: tuple[int, int]
    rate: float
    model: str
    arguments: list[str] = Field(description="further ones of `uprez live`")
    seconds: float
    one_way: list[Spread] = Field(description="without uprez, and beside it; empty where there is no such reader")
    without: list[Spread] = Field(description="before and after the run with uprez")
    uprez: Spread
    told: Delay = Field(description="in seconds")
    dropped: dict[str, int]
    most_waiting: int

    def own(self, percentile: str) -> float:
        """What uprez adds to that percentile, in ms."""
        return float(getattr(self.uprez, percentile) - np.mean([getattr(run, percentile) for run in self.without]))


def main() -> None:
    args = _arguments()
    report = measured(args)
    save(report, args.save)
    _show(report)


def measured(args: argparse.Namespace) -> Report:
    """The way without uprez, with it, and without it again."""
    from tests.servers import Uprez

    early, without = [], []
    chosen = ["--model", args.model, "--backend", args.backend, "--preset", args.preset, *args.arguments]

    def plain() -> None:
        with passage(args.way, args.size, args.rate) as way, way.forwarder():
            without.append(_watched(way.late, args))
            early.extend(_early(way, args))

    plain()
    with passage(args.way, args.size, args.rate) as way:
        format = ["--format", way.format] if way.format else []
        with Uprez(way.source, "--to", way.sink, *format, *chosen) as uprez:
            try:
                ours = _watched(way.late, args)
            except AssertionError as error:
                raise BackendError(f"{error}; uprez says: {uprez.errors or uprez.stream}") from None
            early.extend(_early(way, args))
            told = uprez.until(lambda stream: stream.delay, "it tells its delay")
            uprez.end()
    plain()
    assert told.delay
    return Report(
        **_facts(),
        way=args.way,
        size=args.size,
        rate=args.rate,
        model=f"{told.model} on {told.backend}",
        arguments=args.arguments,
        seconds=args.seconds,
        one_way=early,
        without=without,
        uprez=ours,
        told=told.delay,
        dropped=told.dropped,
        most_waiting=told.most_waiting,
    )


def _watched(watcher: Watcher, args: argparse.Namespace) -> Spread:
    """Wait for the first picture, then for as long as asked for."""
    from tests.servers import until

    until(lambda: any(seen.delay is not None for seen in watcher.frames()), "the first picture is watched", _COME)
    time.sleep(args.warm + args.seconds)
    return _spread(watcher.frames(), args)


def _early(way: Relay, args: argparse.Namespace) -> list[Spread]:
    return [_spread(way.early.frames(), args)] if way.early else []


def _spread(seen: Sequence[WatchedFrame], args: argparse.Namespace) -> Spread:
    """Of the pictures of the last seconds."""
    since = seen[-1].at - 1000 * args.seconds
    lately = [each for each in seen if each.at >= since and each.sent is not None]
    sent = sorted({each.sent for each in lately if each.sent is not None})
    delays = [each.delay for each in lately if each.delay is not None]
    p50, p95, p99, worst = (float(value) for value in np.percentile(delays, (50, 95, 99, 100)))
    drawn = round((sent[-1] - sent[0]) / 1000 * args.rate) + 1
    return Spread(pictures=len(sent), lost=max(0, drawn - len(sent)), p50=p50, p95=p95, p99=p99, worst=worst)


def _facts() -> dict[str, object]:
    gpus = host.gpus()
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": host.processor(),
        "cores": host.cores(),
        "memory": host.memory(),
        "gpu": ", ".join(gpu.name for gpu in gpus) or None,
        "versions": host.versions(),
    }


def _show(report: Report) -> None:
    width, height = report.size
    out.print(f"{report.way}, {width}x{height} at {report.rate:g} frames/s, {report.model}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("ms", "p50", "p95", "p99", "worst", "pictures", "lost"):
        table.add_column(column, justify="left" if column == "ms" else "right")
    rows = [("one way", each) for each in report.one_way] + [("without", each) for each in report.without]
    for name, row in [*rows, ("with uprez", report.uprez)]:
        figures = (f"{value:.0f}" for value in (row.p50, row.p95, row.p99, row.worst))
        table.add_row(name, *figures, str(row.pictures), str(row.lost))
    table.add_row("own share", *(f"{report.own(name):.0f}" for name in ("p50", "p95", "p99")))
    told = report.told
    table.add_row("told", *(f"{1000 * value:.0f}" for value in (told.p50, told.p95, told.p99)), "", str(told.frames))
    out.print(table)
    out.print(f"at most {report.most_waiting} frames waited; dropped: {report.dropped or 'none'}")


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--way", choices=sorted(WAYS), default="rtsp", help="how pictures travel")
    parser.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the source")
    parser.add_argument("--rate", type=float, default=30, help="of the source, in frames a second")
    parser.add_argument("--seconds", type=float, default=30, help="that are counted, in each of the three runs")
    parser.add_argument("--warm", type=float, default=3, help="seconds after the first picture that are not")
    parser.add_argument("--model", default="srvgg-24x8")
    parser.add_argument("--preset", default="ultrafast", help="of x264")
    backend(parser)
    parser.add_argument("arguments", nargs="*", help="after --: further arguments of `uprez live`")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

"""Measures the delay of a live stream: from drawing a barcode into a frame to reading it, through real servers.

    python benchmarks/delay.py --size 1920x1080 --rate 30 --model srvgg-64x16 --save delay.json
    python benchmarks/delay.py --way listen                                 # without GStreamer's RTSP server
    python benchmarks/delay.py --size 160x90 --backend onnx --model identity --seconds 10          # without a GPU

A process draws the time into each frame, encodes it (x264 ultrafast, zerolatency) and publishes it. `uprez live` reads
it from there and publishes its output; a plain FFmpeg reader with low delay reads that, and the time in it. All run on
one machine and share its clock. `--way`:

    rtsp     RECORD to a GStreamer server, PLAY to uprez, RECORD to the server again, PLAY to the watcher
    listen   MPEG-TS over TCP to uprez, from there RECORD to FFmpeg's own RTSP server
    tcp udp  MPEG-TS both ways

- one way      to a reader at the first server, without uprez (only `rtsp`)
- without      the complete route, with a program in place of uprez that forwards packets unchanged
- with uprez   the complete route
- own share    with uprez minus without, of each percentile
- reported     what uprez itself reports: from a packet's arrival to the hand-over of its upscaled frame

In MPEG-TS a frame ends only where the next one begins, so each reader adds the duration of a frame, which both rows
contain. The first seconds (`--warm`) after the first frame are not counted. "lost" are frames drawn between the first
and the last watched frame, and not seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from common.script import add_backend, out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table
from rig.relays import ROUTES, Relay, open_relay

from pipeline import BackendError, Delay, HostFacts, host_facts

if TYPE_CHECKING:
    from tests.servers import WatchedFrame, Watcher

FIRST_FRAME_SECONDS = 60.0  # maximum


class Spread(BaseModel):
    """Delays in ms of the frames that were watched in one row."""

    frames: int = Field(description="frames watched")
    lost: int = Field(description="frames missing between the first and the last")
    p50: float
    p95: float
    p99: float
    worst: float


class Report(HostFacts):
    """One run of delay.py."""

    way: str
    size: tuple[int, int]
    rate: float
    model: str
    arguments: list[str] = Field(description="further ones of `uprez live`")
    seconds: float
    one_way: list[Spread] = Field(description="to a reader at the first server; empty if there is no such reader")
    without: list[Spread] = Field(description="before and after the run with uprez")
    uprez: Spread
    reported: Delay = Field(description="the delay that uprez reports, in seconds")
    dropped: dict[str, int]
    most_waiting: int

    def own(self, percentile: str) -> float:
        """What uprez adds to that percentile, in ms."""
        return float(getattr(self.uprez, percentile) - np.mean([getattr(row, percentile) for row in self.without]))


def main() -> None:
    args = arguments()
    report = measure(args)
    save(report, args.save)
    show(report)


def measure(args: argparse.Namespace) -> Report:
    """Measure the route without uprez, with it, and without it again."""
    from tests.servers import Uprez

    one_way: list[Spread] = []
    without: list[Spread] = []
    chosen = ["--model", args.model, "--backend", args.backend, "--preset", args.preset, *args.arguments]

    measure_without(args, without, one_way)
    with open_relay(args.way, args.size, args.rate) as relay:
        format = ["--format", relay.format] if relay.format else []
        with Uprez(relay.source, "--to", relay.sink, *format, *chosen, is_patient=False) as uprez:
            try:
                with_uprez = watch(relay.late, args)
            except AssertionError as error:
                raise BackendError(f"{error}; uprez reports: {uprez.errors or uprez.stream}") from None
            one_way.extend(spread_of_early(relay, args))
            figures = uprez.until(lambda stream: stream.delay, "it reports its delay")
            uprez.end()
    measure_without(args, without, one_way)
    assert figures.delay  # waited for above
    return Report(
        **host_facts(None).model_dump(),
        way=args.way,
        size=args.size,
        rate=args.rate,
        model=f"{figures.model} on {figures.backend}",
        arguments=args.arguments,
        seconds=args.seconds,
        one_way=one_way,
        without=without,
        uprez=with_uprez,
        reported=figures.delay,
        dropped=figures.dropped,
        most_waiting=figures.most_waiting,
    )


def measure_without(args: argparse.Namespace, without: list[Spread], one_way: list[Spread]) -> None:
    """Measure the route with a program that forwards packets, and add to both lists."""
    with open_relay(args.way, args.size, args.rate) as relay, relay.forwarder():
        without.append(watch(relay.late, args))
        one_way.extend(spread_of_early(relay, args))


def watch(watcher: Watcher, args: argparse.Namespace) -> Spread:
    """Wait for the first frame, then for the time to measure."""
    from tests.servers import until

    until(
        lambda: any(seen.delay is not None for seen in watcher.frames()), "the first frame is seen", FIRST_FRAME_SECONDS
    )
    time.sleep(args.warm + args.seconds)
    return spread(watcher.frames(), args)


def spread_of_early(relay: Relay, args: argparse.Namespace) -> list[Spread]:
    return [spread(relay.early.frames(), args)] if relay.early else []


def spread(seen: Sequence[WatchedFrame], args: argparse.Namespace) -> Spread:
    """The delays of the frames of the last seconds."""
    since = seen[-1].at - 1000 * args.seconds
    recent = [each for each in seen if each.at >= since and each.sent is not None]
    sent = sorted({each.sent for each in recent if each.sent is not None})
    delays = [each.delay for each in recent if each.delay is not None]
    p50, p95, p99, worst = (float(value) for value in np.percentile(delays, (50, 95, 99, 100)))
    drawn = round((sent[-1] - sent[0]) / 1000 * args.rate) + 1
    return Spread(frames=len(sent), lost=max(0, drawn - len(sent)), p50=p50, p95=p95, p99=p99, worst=worst)


def show(report: Report) -> None:
    width, height = report.size
    out.print(f"{report.way}, {width}x{height} at {report.rate:g} frames/s, {report.model}")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("ms", "p50", "p95", "p99", "worst", "frames", "lost"):
        table.add_column(column, justify="left" if column == "ms" else "right")
    rows = [("one way", each) for each in report.one_way] + [("without", each) for each in report.without]
    for name, row in [*rows, ("with uprez", report.uprez)]:
        figures = (f"{value:.0f}" for value in (row.p50, row.p95, row.p99, row.worst))
        table.add_row(name, *figures, str(row.frames), str(row.lost))
    table.add_row("own share", *(f"{report.own(name):.0f}" for name in ("p50", "p95", "p99")))
    reported = report.reported
    percentiles = (f"{1000 * value:.0f}" for value in (reported.p50, reported.p95, reported.p99))
    table.add_row("reported", *percentiles, "", str(reported.frames))
    out.print(table)
    out.print(f"at most {report.most_waiting} frames waited; dropped: {report.dropped or 'none'}")


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--way", choices=sorted(ROUTES), default="rtsp", help="the route of the stream")
    options.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the source")
    options.add_argument("--rate", type=float, default=30, help="of the source, in frames per second")
    options.add_argument("--seconds", type=float, default=30, help="how long to measure each of the three runs")
    options.add_argument("--warm", type=float, default=3, help="seconds after the first frame that are not counted")
    options.add_argument("--model", default="srvgg-24x8")
    options.add_argument("--preset", default="ultrafast", help="of x264")
    add_backend(options)
    options.add_argument("arguments", nargs="*", help="after --: further arguments of `uprez live`")
    return options.parse_args()


if __name__ == "__main__":
    run(main)

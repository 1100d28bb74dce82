"""How many live streams does one machine hold before any of them drops a frame?

    python benchmarks/streams.py --models srvgg-24x8 srvgg-64x16 --save streams.json      # 960x540 at 30 frames/s
    python benchmarks/streams.py --decode --encode ultrafast veryfast                     # with H.264 at both ends
    python benchmarks/streams.py --backend onnx --models identity --size 64x48 --seconds 1 --most 8   # without a GPU

Each stream has a clock of its own, out of step with the others': a frame comes when it is due, as a picture in memory,
or (`--decode`) as a packet of H.264. It waits at an edge of two where the newest win, is submitted by one thread, and
collected by another, which throws it away or (`--encode`) gives it to an x264 of its own. The sessions share one
engine. No network and no child process is part of it.

- holds    the most streams with which no frame was left out, found by doubling, then bisection; what fails is tried
           a second time before it is believed
- dropped  frames that gave way to newer ones, or were decoded later than the next was due
- delay    from when a frame was due to when it was finished, or encoded, in ms, over all streams
- cores    that were busy, of the whole process

A first second is not counted. What limits it is told by the figures: where cores are nearly all busy, a stronger
processor would hold more.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from pydantic import BaseModel, Field
from rich.table import Table
from steady import PATTERN, Machine, arguments, backend, guarded, out, save, size

from pipeline.config.settings import Settings
from pipeline.diagnostics import benchmark
from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.flow.blocking import Aborted
from pipeline.flow.channel import Channel
from pipeline.flow.drop_queue import DropOldestQueue
from pipeline.frame import Frame, FrameFormat
from pipeline.media.av_frames import wrap_frame
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.encoding.encoder_context import configure
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.probe import probe
from pipeline.models.spec import ModelSpec
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.system import host

_AT_THE_EDGE = 2
_SLOTS = 3
_POOL = 24  # pictures, to and fro
_WARM = 1.0  # seconds that are not counted
_JOIN = 30.0
_QUALITY = {"tune": "zerolatency", "crf": "23"}


class Trial(BaseModel):
    """So many streams, for some seconds. delay: from due to done, in seconds."""

    streams: int
    frames: int = Field(description="that were due, in all")
    dropped: int
    worst: int = Field(description="that one stream dropped")
    p50: float
    p95: float
    p99: float
    rate: float = Field(description="frames finished in a second, in all")
    cores: float = Field(description="that were busy")

    @property
    def held(self) -> bool:
        return self.dropped == 0


class Entry(BaseModel):
    """One network, with or without codecs."""

    model: str
    backend: str
    source: str
    result: str
    decoded: bool
    preset: str | None = Field(description="of x264; null where finished frames were discarded")
    holds: int = Field(description="streams without a frame dropped")
    most: int = Field(description="streams that were tried at most")
    trials: list[Trial]


class Report(Machine):
    """One run of streams.py."""

    clip: str
    rate: float = Field(description="frames a second of each stream")
    seconds: float = Field(description="of each trial")
    entries: list[Entry]


@dataclass(frozen=True)
class Work:
    """What each stream does. packets: H.264 of the pictures, where they are decoded. preset: of x264, if it encodes."""

    pictures: list[Frame]
    packets: list[bytes]
    preset: str | None
    rate: Fraction

    @property
    def format(self) -> FrameFormat:
        return self.pictures[0].format


@dataclass(frozen=True)
class _Due:
    """A frame, or the ticket of one, and when it was due."""

    item: Any
    at: float


class _Stream:
    """One stream in three threads, from `begin` to `end` on time.monotonic's clock; frames due from `counted` on count.

    delays: seconds, of each frame that was finished. frames, dropped: that were due, and left out.
    """

    def __init__(self, session: Session[Any], work: Work, threads: int, begin: float, counted: float, end: float):
        self._session, self._work = session, work
        self._begin, self._counted, self._end = begin, counted, end
        self._edge: DropOldestQueue[_Due] = DropOldestQueue(_AT_THE_EDGE, dropped=self._drop)
        self._tickets: Channel[_Due] = Channel(_SLOTS)
        self._decoder = _decoder() if work.packets else None
        self._encoder = _encoder(work, session.output, threads) if work.preset else None
        self.delays: list[float] = []
        self.frames = self.dropped = 0
        self.error: BaseException | None = None
        steps = (self._come, self._submit, self._collect)
        self._threads = [threading.Thread(target=self._guarded, args=(step,), daemon=True) for step in steps]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(_JOIN)
        if self.error is not None:
            raise self.error

    def _guarded(self, step: Any) -> None:
        try:
            step()
        except Aborted:
            pass
        except BaseException as error:
            self.error = self.error or error
            self._edge.abort()
            self._tickets.abort()
            self._session.abort()

    def _come(self) -> None:
        """The source: frames when they are due, however long others take."""
        period = float(1 / self._work.rate)
        for number in itertools.count():
            due = _Due(None, self._begin + number * period)
            if due.at >= self._end or self.error is not None:
                break
            time.sleep(max(0.0, due.at - time.monotonic()))
            self.frames += self._counts(due)
            for frame in self._pictures(number):
                if time.monotonic() - due.at > period:
                    self._drop(due, "late")
                else:
                    self._edge.put(replace(due, item=frame))
        self._edge.close()

    def _pictures(self, number: int) -> Iterator[Frame]:
        work = self._work
        if self._decoder is None:
            yield work.pictures[number % len(work.pictures)]
            return
        for picture in self._decoder.decode(av.Packet(work.packets[number % len(work.packets)])):
            yield Frame(work.format, extract_planes(picture, work.format), number)

    def _submit(self) -> None:
        for due in self._edge:
            self._tickets.put(replace(due, item=self._session.submit(due.item)))
        self._tickets.close()

    def _collect(self) -> None:
        for number, due in enumerate(self._tickets):
            frame = self._session.collect(due.item)
            if self._encoder is None:
                frame.release()
            else:
                frame.pts = number
                self._encoder.encode(wrap_frame(frame, self._encoder.pix_fmt))
            if self._counts(due):
                self.delays.append(time.monotonic() - due.at)
        if self._encoder is not None:
            self._encoder.encode(None)

    def _drop(self, due: _Due, reason: str) -> None:
        self.dropped += self._counts(due)

    def _counts(self, due: _Due) -> bool:
        return due.at >= self._counted


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="uprez-streams-") as folder:
        clip = write_pattern(Path(folder) / "clip.mp4", *args.size, frames=_POOL)
        pictures = _read(clip)
    packets = _coded(pictures) if args.decode else []
    entries = [
        _entry(name, Work(pictures, packets, preset, args.rate), args)
        for name in args.models
        for preset in (args.encode or [None])
    ]
    report = Report(**_facts(args), clip=PATTERN, rate=float(args.rate), seconds=args.seconds, entries=entries)
    save(report, args.save)
    _show(report)


def _entry(name: str, work: Work, args: argparse.Namespace) -> Entry:
    """Find how many streams are held with one network."""
    settings = Settings.load(None, model=name, backend=args.backend, slots=_SLOTS, device=args.device)
    chosen, _ = choose_backend(settings)
    model = choose_model(settings, chosen)
    with SharedSessions() as shared, ExitStack() as stack:
        sessions: list[Session[Any]] = []
        trials: list[Trial] = []

        def holds(streams: int) -> bool:
            while len(sessions) < streams:
                sessions.append(stack.enter_context(shared.open(SessionRequest(chosen, model, work.format, settings))))
            for _ in range(2):
                trials.append(_trial(sessions[:streams], work, args.seconds))
                _progress(model, work, trials[-1])
                if trials[-1].held:
                    return True
            return False

        return Entry(
            model=model.name,
            holds=_most(holds, args.most),
            most=args.most,
            backend=sessions[0].backend,
            source=str(sessions[0].source),
            result=str(sessions[0].output),
            decoded=bool(work.packets),
            preset=work.preset,
            trials=trials,
        )


def _most(holds: Any, limit: int) -> int:
    """The largest number up to `limit` that `holds`, where all smaller ones do: by doubling, then bisection."""
    held, failed = 0, limit + 1
    number = 1
    while held + 1 < failed:
        if holds(number):
            held = number
        else:
            failed = number
        number = min(2 * held, limit) if failed > limit and held else (held + failed) // 2
    return held


def _trial(sessions: list[Session[Any]], work: Work, seconds: float) -> Trial:
    """All of `sessions` at once, each with a stream of its own."""
    threads = max(1, host.cores() // len(sessions))
    begin = time.monotonic() + 0.2 + 0.01 * len(sessions)  # when all of them stand
    counted = begin + _WARM
    apart = float(1 / work.rate) / len(sessions)
    streams = [
        _Stream(session, work, threads, begin + number * apart, counted, counted + seconds)
        for number, session in enumerate(sessions)
    ]
    for stream in streams:
        stream.start()
    time.sleep(max(0.0, counted - time.monotonic()))
    used, since = time.process_time(), time.monotonic()
    time.sleep(max(0.0, counted + seconds - time.monotonic()))
    used, since = time.process_time() - used, time.monotonic() - since
    for stream in streams:
        stream.join()
    delays = np.array([delay for stream in streams for delay in stream.delays] or [float("inf")])
    p50, p95, p99 = np.percentile(delays, (50, 95, 99)).tolist()
    return Trial(
        streams=len(streams),
        frames=sum(stream.frames for stream in streams),
        dropped=sum(stream.dropped for stream in streams),
        worst=max(stream.dropped for stream in streams),
        p50=p50,
        p95=p95,
        p99=p99,
        rate=sum(len(stream.delays) for stream in streams) / seconds,
        cores=used / since,
    )


def _read(clip: Path) -> list[Frame]:
    """The pictures of `clip`, to and fro, in memory of their own."""
    format = probe(clip).video.format
    with av.open(str(clip)) as container:
        decoded = container.decode(video=0)
        there = [
            Frame(format, tuple(plane.copy() for plane in extract_planes(picture, format)), number)
            for number, picture in enumerate(decoded)
        ]
    return there + there[-2:0:-1]


def _coded(pictures: list[Frame]) -> list[bytes]:
    """`pictures` as packets of H.264, one each, as a camera sends them: the first is a key frame."""
    work = Work(pictures, [], "veryfast", Fraction(30))
    encoder = _encoder(work, pictures[0].format, threads=1)
    packets = [packet for frame in pictures for packet in encoder.encode(wrap_frame(frame, encoder.pix_fmt))]
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def _encoder(work: Work, format: FrameFormat, threads: int) -> Any:
    encoder: Any = av.CodecContext.create("libx264", "w")
    options = {**_QUALITY, "preset": work.preset or ""}
    configure(encoder, VideoEncoding("libx264", format, work.rate, 1 / work.rate, options=options))
    encoder.thread_count = threads
    return encoder


def _decoder() -> Any:
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    return decoder


def _facts(args: argparse.Namespace) -> dict[str, Any]:
    found = host.gpus() if args.backend != "onnx" else []
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": host.processor(),
        "cores": host.cores(),
        "memory": host.memory(),
        "gpu": benchmark._named([found[args.device]]) if found else None,
        "versions": host.versions(),
    }


def _progress(model: ModelSpec, work: Work, trial: Trial) -> None:
    told = f"{model.name} {work.preset or 'discarded'}: {trial.streams} streams, {trial.dropped} frames dropped"
    print(told, file=sys.stderr, flush=True)


def _show(report: Report) -> None:
    for entry in report.entries:
        ends = f"{'H.264' if entry.decoded else 'memory'} to {entry.preset or 'nowhere'}"
        out.print(f"{entry.model}, {entry.source} at {report.rate:g} to {entry.result}, {ends}; {entry.backend}")
        table = Table(box=None, padding=(0, 3, 0, 0))
        for column in ("streams", "dropped", "p50", "p95", "p99", "frames/s", "cores"):
            table.add_column(column, justify="right")
        for trial in sorted(entry.trials, key=lambda trial: (trial.streams, trial.dropped)):
            lost = f"{trial.dropped} of {trial.frames}"
            delays = (f"{1000 * delay:.1f}" for delay in (trial.p50, trial.p95, trial.p99))
            table.add_row(str(trial.streams), lost, *delays, f"{trial.rate:.0f}", f"{trial.cores:.1f}")
        out.print(table)
        limit = " (no more were tried)" if entry.holds == entry.most else ""
        out.print(f"holds {entry.holds} streams{limit}; {report.cores} cores")


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--models", nargs="+", default=["srvgg-24x8", "srvgg-64x16"], metavar="MODEL")
    backend(parser)
    parser.add_argument("--device", type=int, default=0, help="the GPU's number")
    parser.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of each stream")
    parser.add_argument("--rate", type=Fraction, default=Fraction(30), help="frames a second of each stream")
    parser.add_argument("--decode", action="store_true", help="decode H.264 from memory")
    parser.add_argument("--encode", nargs="+", metavar="PRESET", help="x264's, zero latency, such as ultrafast")
    parser.add_argument("--most", type=int, default=128, help="streams to try at most")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long to measure each number of streams")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)

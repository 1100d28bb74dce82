"""How fast each stage is alone, how fast the whole is, and what share of its slowest part the whole reaches.

All rows are measured in one run, one after the other, on the same clip, after a warm-up:

- decode           demultiplexing and decoding, frames dropped
- engine           the network alone, on inputs that lie where it wants them: no copies, no conversion
- encode           the encoder alone, fed finished frames from memory
- decode + encode  both at once, in their threads, without an engine between them
- whole, discarded everything up to the finished frame in host memory
- whole, encoded   everything

A rate is taken over frames as they reach the end of what is measured (the encoder's door, where there is one), in the
steady state: without the first ones, which fill queues and the encoder's lookahead, and without draining.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.config.settings import Settings
from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.diagnostics.report import Report, Row
from pipeline.errors import InputError
from pipeline.files.components import open_source, preprocessing_stages, queue_weight
from pipeline.files.plan import Plan, make_plan
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.flow.telemetry import Meter, Trace
from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.encoding.parallel_gop import mirrored
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Source
from pipeline.media.writing.file_sink import FileSink
from pipeline.superres.session import Session
from pipeline.superres.sessions import open_session
from pipeline.superres.stages import Collect, Submit
from pipeline.system import host
from pipeline.system.cuda import GpuFacts

_POOL = 12  # finished frames that the encoder's floor is fed from, to and fro
_WITHOUT_ENCODER = ("decode", "engine", "discarded")
_LEAST_FRAMES = 6
_PATIENCE = 4  # times as long as a row is measured, it may take with filling up
_TRACED_SECONDS, _TRACE_SECONDS = 1.0, 0.1
_FILLING = 64  # frames that queues and x264 (lookahead 40) take in before they push back


@dataclass(frozen=True)
class Bench:
    """What to measure. clip: None makes one of `size` (width, height). seconds: how long to measure each row.

    encode: also measure with an encoder. trace: where a moment of the whole, output discarded, is noted span by span,
    in a run of its own.
    """

    settings: Settings
    clip: Path | None = None
    size: tuple[int, int] = (1920, 1080)
    seconds: float = 5.0
    encode: bool = True
    trace: Trace | None = None


def measure(bench: Bench, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Run the whole benchmark. tell: called with the name of each step as it begins."""
    with tempfile.TemporaryDirectory(prefix="uprez-bench-") as folder:
        clip = bench.clip
        if clip is None:
            tell("making a clip")
            clip = write_pattern(Path(folder) / "clip.mp4", *bench.size)
        plan = make_plan(probe(clip), Path(folder) / "result.mkv", bench.settings)
        plan = replace(plan, copied=frozenset())
        tell("starting the session")
        with open_session(plan.session_request) as session:
            report = _report(bench, plan, session, _rows(bench, plan, session, tell))
        if bench.trace is not None:
            tell("tracing")
            _note(bench.trace, bench, plan)
        return report


def _note(trace: Trace, bench: Bench, plan: Plan) -> None:
    """Run the whole once more, output discarded, and keep the spans of a moment of its steady state."""
    with open_session(plan.session_request, trace) as session:
        _whole(replace(bench, seconds=_TRACED_SECONDS), plan, session, encoded=False, trace=trace)
    trace.cut(_TRACE_SECONDS)


class _Timer(Stage[Any, Any]):
    """Notes when frames pass; lets go of them if they go no further. filling: how many come before it counts."""

    def __init__(self, plan: Plan, discard: bool = False) -> None:
        self._discard = discard
        self._filling = _FILLING + (0 if discard else plan.encoding.waiting)
        self._times: list[float] = []

    def feed(self, item: Any) -> Iterator[Any]:
        self._times.append(time.perf_counter())
        if not self._discard:
            yield item
        else:
            item.release()

    def counted(self) -> float:
        """Seconds since it counts."""
        return time.perf_counter() - self._times[self._filling] if len(self._times) > self._filling else 0.0

    @property
    def frames(self) -> int:
        return len(self._times)

    def row(self, name: str) -> Row:
        steady = self._times[min(self._filling, len(self._times) // 2) :]
        frames, seconds = len(steady) - 1, steady[-1] - steady[0]
        if seconds <= 0:
            raise InputError("too few frames could be measured: give a longer clip, or --seconds")
        return Row(name=name, frames=frames, seconds=seconds, rate=frames / seconds)


class _Renumber(Stage[Any, Any]):
    """Gives frames times that go on, where a clip is read again and again; `pool` replaces their pictures."""

    def __init__(self, plan: Plan, pool: list[Frame] | None = None) -> None:
        self._step = round(1 / (plan.encoding.rate * plan.encoding.time_base))
        self._pool = pool
        self._count = 0

    def feed(self, item: Frame) -> Iterator[Frame]:
        if self._pool:
            item.release()
            item = mirrored(self._pool, self._count)
        yield replace(item, pts=self._count * self._step, duration=self._step)
        self._count += 1


def _rows(bench: Bench, plan: Plan, session: Session[Any], tell: Callable[[str], None]) -> list[Row]:
    tell("warming up")
    pool = _finished_frames(plan, session)
    measurements: dict[str, Callable[[], Row]] = {
        "decode": partial(_decode, bench, plan),
        "engine": partial(_engine, bench, session),
        "encode": partial(_encode, bench, plan, pool),
        "decode + encode": partial(_decode_and_encode, bench, plan, pool),
        "discarded": partial(_whole, bench, plan, session, encoded=False),
        "encoded": partial(_whole, bench, plan, session, encoded=True),
    }
    rows = []
    for name, run in measurements.items():
        if bench.encode or name in _WITHOUT_ENCODER:
            tell(f"measuring {name}")
            rows.append(run().model_copy(update={"name": name}))
    rate = {row.name: row.rate for row in rows}
    floors = {
        "discarded": min(rate["decode"], rate["engine"]),
        "encoded": min(rate["engine"], rate.get("decode + encode", 0)),
    }
    return [
        row.model_copy(update={"share": row.rate / floors[row.name]}) if row.name in floors else row for row in rows
    ]


def _finished_frames(plan: Plan, session: Session[Any]) -> list[Frame]:
    """The clip's first frames, upscaled, in memory of their own."""
    pool: list[Frame] = []
    with open_source(plan) as source:
        decoder = _decoder(plan, source)
        decoded = itertools.chain((frame for packet in source for frame in decoder.feed(packet)), decoder.finish())
        for frame in itertools.islice(decoded, _POOL):
            done = session.collect(session.submit(frame))
            pool.append(replace(done, planes=tuple(plane.copy() for plane in done.planes), release=lambda: None))
            done.release()
    return pool


def _decode(bench: Bench, plan: Plan) -> Row:
    timer = _Timer(plan, discard=True)
    with open_source(plan) as source:
        _run(bench, plan, timer, _packets(source), {"decode": Chain(_decoder(plan, source), timer)})
    return timer.row("decode")


def _engine(bench: Bench, session: Session[Any]) -> Row:
    """Double the number of frames until they take long enough to be timed."""
    frames, seconds = 1, 0.0
    while seconds < bench.seconds:
        frames = max(frames, round(1.2 * frames * bench.seconds / seconds)) if seconds > 0.1 else frames * 2
        began = time.perf_counter()
        session.run_network(frames)
        seconds = time.perf_counter() - began
    return Row(name="engine", frames=frames, seconds=seconds, rate=frames / seconds)


def _encode(bench: Bench, plan: Plan, pool: list[Frame]) -> Row:
    timer = _Timer(plan)
    with _ending(plan, timer) as ending:
        frames = (mirrored(pool, index) for index in itertools.count())
        _run(bench, plan, timer, frames, {"encode": Chain(_Renumber(plan), ending)})
    return timer.row("encode")


def _decode_and_encode(bench: Bench, plan: Plan, pool: list[Frame]) -> Row:
    timer = _Timer(plan)
    with open_source(plan) as source, _ending(plan, timer) as ending:
        stages = {"decode": Chain(_decoder(plan, source), _Renumber(plan, pool)), "encode": ending}
        _run(bench, plan, timer, _packets(source), stages)
    return timer.row("decode + encode")


def _whole(bench: Bench, plan: Plan, session: Session[Any], encoded: bool, trace: Trace | None = None) -> Row:
    timer = _Timer(plan, discard=not encoded)
    ending_of = _ending(plan, timer) if encoded else contextlib.nullcontext(timer)
    with open_source(plan) as source, ending_of as ending:
        stages: dict[str, Stage[Any, Any]] = {
            "decode": Chain(_decoder(plan, source), _Renumber(plan)),
            "submit": Submit(session),
        }
        if encoded:
            stages |= {"upscale": Collect(session), "encode": ending}
        else:
            stages["upscale"] = Chain(Collect(session), ending)
        meters = _run(bench, plan, timer, _packets(source), stages, trace)
    row = timer.row("whole")
    between = sum(meter.cpu for meter in meters if meter.name in ("submit", "upscale"))
    return row.model_copy(update={"cpu": 1000 * between / timer.frames})


def _run(
    bench: Bench,
    plan: Plan,
    timer: _Timer,
    items: Iterator[Any],
    stages: dict[str, Stage[Any, Any]],
    trace: Trace | None = None,
) -> list[Meter]:
    line = Pipeline(
        _for_a_while(items, timer, bench.seconds), stages, plan.settings.queue, queue_weight(plan.settings), trace
    )
    line.start()
    line.wait()
    return line.meters


def _for_a_while(items: Iterator[Any], timer: _Timer, seconds: float) -> Iterator[Any]:
    """Until `timer` has counted for `seconds`, or filling up takes too long."""
    end = time.perf_counter() + _PATIENCE * seconds
    for index, item in enumerate(items):
        yield item
        if index >= _LEAST_FRAMES and (timer.counted() > seconds or time.perf_counter() > end):
            return


def _packets(source: Source) -> Iterator[Any]:
    """The clip's packets, again and again. It is opened anew each time, since a raw stream can't be rewound."""
    while True:
        with FileSource(source.path) as again:
            yield from again


def _decoder(plan: Plan, source: Source) -> Stage[Any, Any]:
    return Chain(Decoder(source, plan.decoded_format), *preprocessing_stages(plan))


@contextlib.contextmanager
def _ending(plan: Plan, timer: _Timer) -> Iterator[Stage[Any, Any]]:
    """Encoder and sink of a file that is thrown away, with the timer at the encoder's door."""
    with (
        FileSource(plan.media.path) as source,
        FileSink(plan.target, plan.encoding, source, frozenset()) as sink,
    ):
        yield Chain(timer, sink.encoder(plan.encoding.time_base), sink)


def _report(bench: Bench, plan: Plan, session: Session[Any], rows: list[Row]) -> Report:
    gpus = [host.gpus()[device] for device in plan.settings.device] if plan.backend == "tensorrt" else []
    options = " ".join(f"{key}={value}" for key, value in plan.encoding.options.items())
    return Report(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=host.processor(),
        cores=host.cores(),
        memory=host.memory(),
        gpu=_named(gpus),
        versions=host.versions(),
        clip=bench.clip.name if bench.clip else "drifting texture with grain, h264 with B-frames",
        source=str(session.source),
        result=str(session.output),
        model=str(plan.model),
        backend=session.backend,
        decoder=plan.decoder,
        encoder=f"{plan.encoding.codec} {options}",
        encoders=plan.encoding.encoders,
        rows=rows,
    )


def _named(gpus: list[GpuFacts]) -> str | None:
    if not gpus:
        return None
    count = f"{len(gpus)} x " if len(gpus) > 1 else ""
    return f"{count}{gpus[0].name}, compute capability {gpus[0].capability}, driver {gpus[0].driver}"

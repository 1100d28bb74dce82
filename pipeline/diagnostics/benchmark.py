"""`uprez bench`: all rows of diagnostics/stage_benchmark.py, and the share of the slowest part that is reached."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.diagnostics.host_facts import host_facts
from pipeline.diagnostics.pattern_clip import PATTERN_DESCRIPTION, write_pattern
from pipeline.diagnostics.report import BenchmarkReport, BenchmarkRow
from pipeline.diagnostics.stage_benchmark import StageBenchmark
from pipeline.flow.telemetry import Trace

_WITHOUT_ENCODER = ("decode", "engine", "discarded")
_TRACED_SECONDS, _TRACE_SECONDS = 1.0, 0.1
_FRAMES_OF_1080P, _MOST_TIMES = 240, 4  # of a generated clip; the factor for small frames


@dataclass(frozen=True)
class BenchmarkOptions:
    """What to measure.

    Attributes:
        settings: As for `upscale`.
        clip: A video; None: one is generated.
        size: Width and height of the generated clip, in pixels.
        seconds: How long to measure each row.
        encode: Whether to measure the rows with an encoder, too.
        trace: Where the spans of a moment are recorded, in a run of its own whose output is discarded.
    """

    settings: Settings
    clip: str | Path | None = None
    size: tuple[int, int] = (1920, 1080)
    seconds: float = 5.0
    encode: bool = True
    trace: Trace | None = None


def benchmark(options: BenchmarkOptions, on_step: Callable[[str], None] = lambda _: None) -> BenchmarkReport:
    """Measure each stage of upscaling alone, then all of them together.

    Args:
        options: What to measure.
        on_step: Called with the name of each step as it begins.

    Raises:
        UprezError: As `make_plan`; or InputError if the clip is too short.
    """
    with tempfile.TemporaryDirectory(prefix="uprez-bench-") as folder:
        clip = options.clip
        if clip is None:
            on_step("generating a clip")
            clip = write_pattern(Path(folder) / "clip.mp4", *options.size, frames=_clip_frames(*options.size))
        with StageBenchmark(clip, options.settings, options.seconds) as stages:
            on_step("starting the session")
            report = _report(options, stages, _measure(options, stages, on_step))
        if options.trace is not None:
            on_step("tracing")
            with StageBenchmark(clip, options.settings, _TRACED_SECONDS) as stages:
                stages.record(options.trace)
            options.trace.cut(_TRACE_SECONDS)
        return report


def _clip_frames(width: int, height: int) -> int:
    """Frames of a generated clip. Opening it again, some 7 ms, should not count: small frames are decoded sooner."""
    times = 1920 * 1080 / (width * height)
    return round(_FRAMES_OF_1080P * min(max(times, 1), _MOST_TIMES))


def _measure(options: BenchmarkOptions, stages: StageBenchmark, on_step: Callable[[str], None]) -> list[BenchmarkRow]:
    """All rows, those of the complete pipeline with their share of the slowest part's rate."""
    _ = stages.session
    on_step("warming up")
    _ = stages.upscaled_frames
    measurements: dict[str, Callable[[], BenchmarkRow]] = {
        "decode": stages.decode,
        "engine": stages.engine,
        "encode": stages.encode,
        "decode + encode": stages.decode_and_encode,
        "discarded": stages.discarded,
        "encoded": stages.encoded,
    }
    rows = []
    for name, measure in measurements.items():
        if options.encode or name in _WITHOUT_ENCODER:
            on_step(f"measuring {name}")
            rows.append(measure())
    rate = {row.name: row.rate for row in rows}
    limits = {
        "discarded": min(rate["decode"], rate["engine"]),
        "encoded": min(rate["engine"], rate.get("decode + encode", 0)),
    }
    return [
        row.model_copy(update={"share": row.rate / limits[row.name]}) if row.name in limits else row for row in rows
    ]


def _report(options: BenchmarkOptions, stages: StageBenchmark, rows: list[BenchmarkRow]) -> BenchmarkReport:
    plan, session = stages.plan, stages.session
    encoder_options = " ".join(f"{key}={value}" for key, value in plan.encoding.options.items())
    return BenchmarkReport(
        **host_facts(plan.settings.device if plan.backend == "tensorrt" else ()).model_dump(),
        clip=Path(options.clip).name if options.clip else PATTERN_DESCRIPTION,
        source=str(session.source),
        result=str(session.output),
        model=str(plan.model),
        backend=session.backend,
        decoder=plan.decoder,
        decoders=plan.decoders.count,
        encoder=f"{plan.encoding.codec} {encoder_options}",
        encoders=plan.encoding.encoders,
        rows=rows,
    )

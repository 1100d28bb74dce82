"""The complete benchmark, as `uprez bench` runs it."""

from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics.benchmark import BenchmarkOptions, benchmark
from pipeline.flow.telemetry import Trace

SETTINGS = Settings.load(None, backend="onnx", model="identity", preset="ultrafast")


def test_all_rows_are_measured_on_a_generated_clip_and_shares_relate_them() -> None:
    steps: list[str] = []
    report = benchmark(BenchmarkOptions(SETTINGS, size=(64, 48), seconds=0.05), steps.append)
    rates = {row.name: row.rate for row in report.rows}
    assert list(rates) == ["decode", "engine", "encode", "decode + encode", "discarded", "encoded"]
    assert report.row("discarded").share == pytest.approx(rates["discarded"] / min(rates["decode"], rates["engine"]))
    assert report.row("encoded").share == pytest.approx(
        rates["encoded"] / min(rates["decode + encode"], rates["engine"])
    )
    assert steps[:3] == ["generating a clip", "starting the session", "warming up"]
    assert report.clip == "drifting texture with grain, h264 with B-frames"


def test_rows_with_an_encoder_can_be_left_out_and_a_trace_recorded(clip: Path) -> None:
    trace = Trace()
    report = benchmark(BenchmarkOptions(SETTINGS, clip, seconds=0.05, encode=False, trace=trace))
    assert [row.name for row in report.rows] == ["decode", "engine", "discarded"]
    assert report.clip == clip.name
    assert trace.spans

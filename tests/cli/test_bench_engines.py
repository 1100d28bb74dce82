"""`uprez bench --engines`: options, table, files. What is measured is tested in tests/diagnostics."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import bench_engines
from pipeline.diagnostics.engine_benchmark import NETWORKS, SIZES, EngineBenchmarkOptions
from pipeline.diagnostics.engine_report import EngineReport, EngineRow, GpuDetails
from pipeline.diagnostics.host_facts import host_facts
from tests.cli.conftest import Call

ROWS = [
    EngineRow(network="n", size="64x48", engine="tensorrt", one_lane=100.0, two_lanes=110.0, relative_error=1e-4),
    EngineRow(network="n", size="64x48", engine="fused-mma", one_lane=330.0, two_lanes=320.0, worst_error=0.5),
    EngineRow(network="n", size="64x48", engine="fused-wgmma", reason="this GPU has no wgmma"),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[EngineBenchmarkOptions]:
    """Replaces the measurement by ROWS; the options that it is called with."""
    options: list[EngineBenchmarkOptions] = []
    details = GpuDetails(
        memory=2**34,
        multiprocessors=46,
        clock=2500,
        memory_clock=9000,
        memory_bus=192,
        l2_cache=1,
        shared_memory=102400,
        shared_memory_of_block=101376,
    )

    def measured(
        given: EngineBenchmarkOptions, on_step: Callable[[str], None], on_row: Callable[[EngineReport], None]
    ) -> EngineReport:
        options.append(given)
        report = EngineReport(**host_facts().model_dump(), details=details, seconds=given.seconds, image="", rows=[])
        for row in ROWS:
            on_step("a step")
            report.rows.append(row)
            on_row(report)
        return report

    monkeypatch.setattr(bench_engines, "benchmark_engines", measured)
    return options


def test_all_networks_and_sizes_are_measured_by_default(uprez: Call, asked: list[EngineBenchmarkOptions]) -> None:
    assert uprez("bench", "--engines").code == 0
    assert asked == [EngineBenchmarkOptions(NETWORKS, SIZES, "auto", 0, 0.3)]


def test_options_narrow_what_is_measured(uprez: Call, asked: list[EngineBenchmarkOptions]) -> None:
    options = ("--model", "clear-x2", "--size", "640x360", "--seconds", "1", "--engine", "rtx", "--device", "1")
    assert uprez("bench", "--engines", *options).code == 0
    assert asked == [EngineBenchmarkOptions(("clear-x2",), ((640, 360),), "rtx", 1, 1.0)]


def test_table_shows_rates_speed_up_and_reasons(uprez: Call, asked: list[EngineBenchmarkOptions]) -> None:
    lines = [line.split() for line in uprez("bench", "--engines").out.splitlines()]
    assert ["TensorRT", "100", "110", "1.00", "1.0e-04"] in lines
    assert ["fused,", "mma.sync", "330", "320", "3.00", "0.50"] in lines
    assert ["fused,", "wgmma", "this", "GPU", "has", "no", "wgmma"] in lines


def test_each_row_is_a_line_where_there_is_no_terminal(uprez: Call, asked: list[EngineBenchmarkOptions]) -> None:
    lines = uprez("bench", "--engines").err.splitlines()
    assert "n 64x48, TensorRT: 100 / 110 frames/s, error 1.0e-04" in lines
    assert "n 64x48, fused, wgmma: this GPU has no wgmma" in lines


def test_report_is_saved_and_printed_as_json(uprez: Call, asked: list[EngineBenchmarkOptions], tmp_path: Path) -> None:
    ended = uprez("bench", "--engines", "--save", tmp_path / "engines.json", "--json")
    saved = EngineReport.model_validate_json((tmp_path / "engines.json").read_text())
    assert saved.rows == ROWS
    assert EngineReport.model_validate_json(ended.out) == saved


def test_schema_of_the_report_is_printed(uprez: Call) -> None:
    assert "details" in json.loads(uprez("bench", "--engines", "--schema").out)["properties"]


def test_machines_without_a_gpu_get_one_line(uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.system.cuda.unavailable_reason", lambda: "no NVIDIA driver: install it")
    ended = uprez("bench", "--engines")
    assert (ended.code, ended.out, ended.err.strip()) == (2, "", "uprez: no NVIDIA driver: install it")


def test_options_of_the_other_measurements_are_refused(uprez: Call, clip: Path) -> None:
    ended = uprez("bench", "--engines", clip, "--discard")
    assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1)
    assert "can't be combined with SOURCE, --discard" in ended.err

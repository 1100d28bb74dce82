"""`uprez bench`: reports, tables and traces."""

import json
from pathlib import Path

import pytest

from pipeline.diagnostics.report import BenchmarkReport
from tests.cli.conftest import Call


class TestBench:
    def test_trace_for_perfetto_is_written(self, uprez: Call, tmp_path: Path) -> None:
        options = ("--model", "identity", "--backend", "onnx", "--size", "64x48", "--seconds", "0.1")
        assert uprez("bench", *options, "--trace", tmp_path / "trace.json").code == 0
        events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
        assert {event["name"] for event in events if event["ph"] == "X"} == {"decode", "submit", "upscale"}

    def test_report_is_saved_and_compared_with(self, uprez: Call, tmp_path: Path) -> None:
        saved = tmp_path / "report.json"
        options = ("--model", "identity", "--backend", "onnx", "--size", "64x48", "--seconds", "0.1")
        first = uprez("bench", *options, "--save", saved)
        assert first.code == 0
        report = BenchmarkReport.model_validate_json(saved.read_text())
        names = [row.name for row in report.rows]
        assert names == ["decode", "engine", "encode", "decode + encode", "discarded", "encoded"]
        assert all(row.rate > 0 for row in report.rows)
        assert all((row.share is not None) == (row.name in ("discarded", "encoded")) for row in report.rows)
        second = uprez("bench", *options, "--compare", saved)
        assert "ratio" in second.out

    def test_discard_measures_nothing_with_an_encoder(self, uprez: Call) -> None:
        options = ("--model", "identity", "--backend", "onnx", "--size", "64x48", "--seconds", "0.1", "--discard")
        report = BenchmarkReport.model_validate_json(uprez("bench", *options, "--json").out)
        assert [row.name for row in report.rows] == ["decode", "engine", "discarded"]

    def test_clip_of_the_user_is_measured(self, uprez: Call, clip: Path) -> None:
        ended = uprez("bench", clip, "--model", "identity", "--backend", "onnx", "--seconds", "0.1", "--json")
        assert BenchmarkReport.model_validate_json(ended.out).clip == "clip.mp4"

    def test_schema_is_printed(self, uprez: Call) -> None:
        assert "rows" in json.loads(uprez("bench", "--schema").out)["properties"]

    @pytest.mark.parametrize("size", ["big", "100", "15x15", "641x480"])
    def test_invalid_size_is_refused(self, uprez: Call, size: str) -> None:
        ended = uprez("bench", "--size", size)
        assert (ended.code, "WIDTHxHEIGHT" in ended.err) == (2, True)

    def test_file_that_is_no_report_is_refused(self, uprez: Call, clip: Path) -> None:
        ended = uprez("bench", "--compare", clip)
        assert (ended.code, "not a report" in ended.err) == (2, True)

"""Reports of `uprez bench`."""

import pytest

from pipeline.diagnostics.host_facts import host_facts
from pipeline.diagnostics.report import BenchmarkReport, BenchmarkRow


def test_a_row_is_found_by_its_name() -> None:
    row = BenchmarkRow(name="decode", frames=10, seconds=2, rate=5)
    report = BenchmarkReport(
        **host_facts().model_dump(),
        clip="a.mp4",
        source="64x48 yuv420p",
        result="128x96 yuv420p",
        model="identity",
        backend="ONNX Runtime",
        encoder="libx264",
        rows=[row],
    )
    assert report.row("decode") == row
    assert BenchmarkReport.model_validate_json(report.model_dump_json()) == report
    with pytest.raises(StopIteration):
        report.row("encode")

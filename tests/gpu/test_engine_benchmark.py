"""The comparison of engines, and the rates of a frame's steps, on a GPU."""

from __future__ import annotations

from pipeline.config.settings import Settings
from pipeline.diagnostics.engine_benchmark import EngineBenchmarkOptions, benchmark_engines
from pipeline.diagnostics.step_rates import STEPS, step_rates

_LARGEST_ERROR = {"fused-fp16acc": 5e-3}  # relative; 1.5e-3 for the other engines


def test_all_engines_run_and_are_as_exact_as_they_should_be() -> None:
    report = benchmark_engines(EngineBenchmarkOptions(("clear-x2", "srvgg-24x8"), ((192, 128),), seconds=0.05))
    for row in report.rows:
        if row.engine == "fused-wgmma" and row.reason:
            assert "wgmma" in row.reason
            continue
        assert row.reason is None, row
        assert row.one_lane is not None
        assert row.two_lanes is not None
        assert row.relative_error is not None
        assert row.relative_error <= _LARGEST_ERROR.get(row.engine, 1.5e-3), row
    for network in ("clear-x2", "srvgg-24x8"):
        half = report.row(network, "192x128", "fused-fp16acc")
        assert half is not None
        assert all("mma-fp16" in kernel for kernel in half.kernels or ["none"])


def test_every_step_around_the_network_has_a_rate() -> None:
    rates = step_rates(Settings(engine="fused"), 192, 128, seconds=0.1)
    assert [rate.step for rate in rates] == list(STEPS)
    assert all(rate.rate > 0 for rate in rates)

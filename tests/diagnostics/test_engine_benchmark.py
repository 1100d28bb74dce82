"""The comparison of engines, with fake networks that compute what ONNX Runtime computes, with an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.diagnostics import engine_benchmark
from pipeline.diagnostics.engine_benchmark import (
    EngineBenchmarkOptions,
    UncachedEngines,
    benchmark_engines,
    describe_kernels,
)
from pipeline.diagnostics.engine_report import ENGINE_TITLES, EngineReport
from pipeline.diagnostics.host_facts import host_facts
from pipeline.errors import BackendError, OutOfMemory
from pipeline.models import catalogue, synthetic
from pipeline.superres.gpu.fused.kernel import BlockGrid, KernelShape
from pipeline.superres.gpu.fused.plan import PlannedKernel, segments
from pipeline.superres.gpu.fused.program import FusedProgram, assemble
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.validation import reference_output
from pipeline.system.cuda import GpuFacts

SMALL = EngineBenchmarkOptions(networks=("srvgg-32x1",), sizes=((64, 48),), seconds=0.0)


class FakeLane:
    """A lane of an engine whose output has a relative error of `FakeEngine.error`."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.stream = SimpleNamespace(sync=lambda: None)
        engine.fail("lane")
        engine.open.append(self)

    def run(self) -> None:
        self._engine.fail("run")

    def run_once(self, image: NDArray[Any]) -> NDArray[Any]:
        exact = catalogue.find("srvgg-32x1", "fp32")
        return np.asarray(reference_output(exact, image.astype(np.float32)) * (1 + self._engine.error))

    def close(self) -> None:
        self._engine.open.remove(self)


class FakeEngine:
    """An engine.

    Attributes:
        open: Engines and lanes that are not closed.
        errors: Error to raise at a step, by "title step" or "title step number".
        error: Relative error of the outputs.
        rewritten: Of each engine of TensorRT, whether PReLU was rewritten.
    """

    open: ClassVar[list[object]] = []
    errors: ClassVar[dict[str, Exception]] = {}
    error: ClassVar[float] = 0.001
    rewritten: ClassVar[list[bool]] = []

    def __init__(self, title: str) -> None:
        self.title, self._lanes = title, 0
        self.fail("open")
        self.open.append(self)

    def fail(self, step: str) -> None:
        if error := self.errors.get(f"{self.title} {step}"):
            raise error

    def lane(self) -> FakeLane:
        self._lanes += 1
        self.fail(f"lane {self._lanes}")
        return FakeLane(self)

    def close(self) -> None:
        self.open.remove(self)


def program(width: int, warpgroup: bool = False) -> FusedProgram:
    """A program of two kernels."""
    stack = recognise(synthetic.srvgg(width, 1, np.float32))
    shape, grid = KernelShape(4, 1, 3, 2, warpgroup=warpgroup), BlockGrid(1, 8, 1)
    first = list(segments(stack, 0))[1]
    last = next(segments(stack, 2))
    return assemble(stack, (PlannedKernel(0, first, shape, grid, 1.0), PlannedKernel(2, last, shape, grid, 1.0)))


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A GPU of compute capability 9.0 on which every engine runs."""
    facts = GpuFacts(name="A GPU", capability="9.0", driver="1", memory=2**34, uuid="GPU-1")
    properties = SimpleNamespace(
        multiprocessor_count=1,
        clock_rate=1000,
        memory_clock_rate=1000,
        global_memory_bus_width=64,
        l2_cache_size=1,
        max_shared_memory_per_multiprocessor=1,
        max_shared_memory_per_block_optin=1,
    )
    gpu = SimpleNamespace(facts=facts, device=SimpleNamespace(properties=properties))
    for name, value in {"open": [], "errors": {}, "error": 0.001, "rewritten": []}.items():
        monkeypatch.setattr(FakeEngine, name, value)

    def network(resources: Any, height: int, width: int) -> FakeEngine:
        FakeEngine.rewritten.append(resources.prelu_as_max)
        return FakeEngine("TensorRT-RTX 0")

    def fused(gpu: Any, model: Any, size: Any, instructions: Any) -> Any:
        return FakeEngine(f"fused by {instructions[0]}"), program(40, warpgroup=instructions == ("wgmma",))

    monkeypatch.setattr(engine_benchmark, "Gpu", lambda device: gpu)
    monkeypatch.setattr(engine_benchmark, "host_facts", lambda gpus: host_facts(()))
    monkeypatch.setattr(engine_benchmark, "load_if_installed", lambda name: None)
    monkeypatch.setattr(engine_benchmark, "Network", network)
    monkeypatch.setattr(engine_benchmark, "build_fused", fused)
    # Stand-ins do not become faster, so a warm-up would only take time.
    monkeypatch.setattr("pipeline.superres.gpu.lane_rate._WARM_UP_SECONDS", 0.0)
    return gpu


def test_all_engines_are_measured_with_one_and_two_lanes() -> None:
    report = benchmark_engines(SMALL)
    assert [row.engine for row in report.rows] == list(ENGINE_TITLES)
    for row in report.rows:
        assert (row.network, row.size, row.reason) == ("srvgg-32x1", "64x48", None)
        assert row.one_lane is not None
        assert row.two_lanes is not None
        assert row.relative_error == pytest.approx(0.001, rel=1e-3)
        assert row.worst_error is not None
        assert 0.1 < row.worst_error < 0.4
    assert FakeEngine.rewritten == [False, True]
    assert FakeEngine.open == []


def test_every_network_is_measured_at_every_size() -> None:
    options = EngineBenchmarkOptions(networks=("srvgg-32x1",), sizes=((64, 48), (32, 16)), seconds=0.0)
    steps: list[str] = []
    report = benchmark_engines(options, steps.append)
    assert [row.size for row in report.rows] == ["64x48"] * 5 + ["32x16"] * 5
    assert steps[0] == "1 of 10: srvgg-32x1 64x48, TensorRT"
    assert report.row("srvgg-32x1", "32x16", "fused-mma") is not None
    assert report.row("srvgg-32x1", "8x8", "fused-mma") is None


@pytest.mark.parametrize("step", ["open", "lane 1", "run"])
@pytest.mark.parametrize("error", [BackendError("no kernel found"), RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")])
def test_an_engine_that_fails_is_a_row_with_the_reason(step: str, error: Exception) -> None:
    FakeEngine.errors[f"fused by mma {step}"] = error
    report = benchmark_engines(SMALL)
    failed = [row.engine for row in report.rows if row.reason]
    row = report.row("srvgg-32x1", "64x48", "fused-mma")
    assert failed == ["fused-mma"]
    assert row is not None
    assert row.fastest is None
    assert str(error) in str(row.reason)
    assert FakeEngine.open == []


def test_a_second_lane_without_memory_leaves_the_rate_of_the_first() -> None:
    FakeEngine.errors["TensorRT-RTX 0 lane 2"] = OutOfMemory("no memory")
    row = benchmark_engines(SMALL).rows[0]
    assert (row.two_lanes, row.reason) == (None, "no memory")
    assert row.one_lane is not None


def test_an_output_that_is_not_finite_is_a_reason() -> None:
    FakeEngine.error = float("nan")
    report = benchmark_engines(SMALL)
    assert {row.reason for row in report.rows} == {"its output is not finite"}
    assert EngineReport.model_validate_json(report.model_dump_json()) == report


def test_wgmma_is_measured_on_hopper_alone(fakes: Any) -> None:
    fakes.facts = replace(fakes.facts, capability="8.9")
    row = benchmark_engines(SMALL).row("srvgg-32x1", "64x48", "fused-wgmma")
    assert row is not None
    assert row.reason == "only compute capability 9.0 has wgmma; this GPU has 8.9"


def test_wgmma_of_narrow_layers_is_not_measured() -> None:
    options = EngineBenchmarkOptions(networks=("srvgg-24x1",), sizes=((64, 48),), seconds=0.0)
    row = benchmark_engines(options).row("srvgg-24x1", "64x48", "fused-wgmma")
    assert row is not None
    assert row.reason == "there are no kernels with wgmma for layers of 24 channels"


def test_networks_without_prelu_or_of_another_structure_are_rows_with_the_reason() -> None:
    options = EngineBenchmarkOptions(networks=("identity",), sizes=((64, 48),), seconds=0.0)
    report = benchmark_engines(options)
    reasons = [report.row("identity", "64x48", engine) for engine in ("tensorrt-max", "fused-wgmma")]
    assert [str(row.reason).split(":")[0] for row in reasons if row] == [
        "the network has no PReLU",
        "fused kernels can't compute it",
    ]


def test_the_report_so_far_is_available_after_every_measurement() -> None:
    counts: list[int] = []
    report = benchmark_engines(SMALL, on_row=lambda so_far: counts.append(len(so_far.rows)))
    assert counts == [1, 2, 3, 4, 5]
    assert json.loads(report.model_dump_json())["details"]["memory_bus"] == 64


def test_without_a_gpu_the_error_is_raised_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(device: int) -> None:
        raise BackendError("no NVIDIA driver")

    monkeypatch.setattr(engine_benchmark, "Gpu", missing)
    with pytest.raises(BackendError, match="no NVIDIA driver"):
        benchmark_engines(SMALL)


@pytest.mark.parametrize(("warpgroup", "instruction"), [(True, "wgmma"), (False, "mma")])
def test_kernels_are_described_by_their_layers_and_shape(warpgroup: bool, instruction: str) -> None:
    assert describe_kernels(program(40, warpgroup)) == [
        f"layers 1 to 2, 4x1x3, 2 blocks, {instruction}",
        f"layer 3, 4x1x3, 2 blocks, {instruction}",
    ]


class TestUncachedEngines:
    def fetch(self, load: Callable[[bytes], Any]) -> Any:
        key: Any = None
        return UncachedEngines().fetch(key, "a model", load, lambda: b"plan")

    def test_each_engine_is_built_and_none_is_stored(self) -> None:
        assert self.fetch(lambda plan: plan) == b"plan"
        assert not UncachedEngines().folder.exists()

    def test_an_engine_that_does_not_load_is_an_error(self) -> None:
        with pytest.raises(BackendError, match="was built but does not load"):
            self.fetch(lambda plan: None)

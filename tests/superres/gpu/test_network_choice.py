"""The choice between fused kernels and TensorRT, with fake networks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.errors import BackendError, ModelError, OutOfMemory
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import network_choice, validation
from pipeline.superres.gpu.choice_cache import cached_choices, describe_choice
from pipeline.superres.gpu.fused.program import FusedProgram
from pipeline.superres.gpu.network_choice import open_network, prebuild_network
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import Network


class FakeNetwork:
    """A network whose lane counts its runs.

    Attributes:
        open: The networks and lanes that are not closed.
        opened: Titles of all networks, in the order in which they were opened.
        errors: Error to raise at each step, by "title step".
        seconds: Time of a run by title.
    """

    open: ClassVar[list[object]] = []
    opened: ClassVar[list[str]] = []
    errors: ClassVar[dict[str, Exception]] = {}
    seconds: ClassVar[dict[str, float]] = {}
    title = "TensorRT"

    def __init__(self, *arguments: Any) -> None:
        self.fail("open")
        self.opened.append(self.title)
        self.open.append(self)
        self.stream = self

    def fail(self, step: str) -> None:
        if error := self.errors.get(f"{self.title} {step}"):
            raise error

    def lane(self) -> Any:
        self.fail("lane")
        lane = SimpleNamespace(stream=self, run=lambda: self.fail("run"), run_once=None)
        lane.close = lambda: self.open.remove(lane)
        self.open.append(lane)
        return lane

    def sync(self) -> None:
        clock.advance(self.seconds.get(self.title, 0.01))

    def save_runtime_cache(self) -> None:
        self.fail("save")

    def close(self) -> None:
        self.open.remove(self)


class FakeFused(FakeNetwork):
    title = "fused kernels"


class ThreadClock:
    """A clock of each thread, which only `advance` moves."""

    def __init__(self) -> None:
        self._local = threading.local()

    def __call__(self) -> float:
        return float(getattr(self._local, "now", 0.0))

    def advance(self, seconds: float) -> None:
        self._local.now = self() + seconds


clock = ThreadClock()


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"open": [], "opened": [], "errors": {}, "seconds": {"TensorRT": 0.02}}.items():
        monkeypatch.setattr(FakeNetwork, name, value)
    monkeypatch.setattr(network_choice, "Network", FakeNetwork)
    monkeypatch.setattr(network_choice, "FusedNetwork", FakeFused)
    monkeypatch.setattr(network_choice, "KernelPlanner", lambda *arguments: SimpleNamespace(plan=tuple))
    monkeypatch.setattr(network_choice, "assemble", lambda stack, plan: SimpleNamespace(dump=lambda: b"program"))
    monkeypatch.setattr(FusedProgram, "load", load_program)
    monkeypatch.setattr("pipeline.superres.gpu.lane_rate.time.perf_counter", clock)
    monkeypatch.setattr(validation, "validate_engine", lambda *arguments: 60.0)


def load_program(content: bytes) -> str:
    if content != b"program":
        raise ValueError
    return "program"


@pytest.fixture
def resources(tmp_path: Path) -> Any:
    def resources_of(model: ModelSpec, capability: str = "9.0") -> Any:
        def key(shapes: Shapes) -> EngineKey:
            return EngineKey(model.sha256, model.precision, "rtx", "1.6", "A GPU", capability, "1", shapes)

        gpu = SimpleNamespace(facts=SimpleNamespace(name="A GPU", capability=capability))
        return SimpleNamespace(gpu=gpu, library="rtx", model=model, cache=EngineCache(tmp_path), key=key)

    return resources_of


@pytest.fixture
def stack(resources: Callable[..., Any]) -> Any:
    return resources(catalogue.find("srvgg-24x8", np.float16))


@pytest.mark.parametrize(("seconds", "title"), [(0.01, "fused kernels"), (0.03, "TensorRT")])
def test_the_faster_network_is_returned_and_the_other_one_closed(stack: Any, seconds: float, title: str) -> None:
    FakeNetwork.seconds["fused kernels"] = seconds
    network: Any = open_network(stack, "auto", 64, 48)
    assert network.title == title
    assert FakeNetwork.open == [network]
    (choice,) = cached_choices(stack.cache)
    assert choice.tensorrt is not None
    assert choice.fused is not None
    assert choice.fused / choice.tensorrt == pytest.approx(0.02 / seconds)


@pytest.mark.parametrize("seconds", [0.01, 0.03])
def test_both_networks_are_compared_once(stack: Any, seconds: float) -> None:
    FakeNetwork.seconds["fused kernels"] = seconds
    first, second = open_network(stack, "auto", 64, 48), open_network(stack, "auto", 64, 48)
    assert first.title == second.title
    assert FakeNetwork.opened == ["fused kernels", "TensorRT", first.title]


@pytest.mark.parametrize("step", ["open", "lane", "run"])
def test_tensorrt_is_used_where_the_fused_kernels_fail(stack: Any, step: str) -> None:
    FakeNetwork.errors[f"fused kernels {step}"] = RuntimeError("invalid device function")
    network: Any = open_network(stack, "auto", 64, 48)
    assert network.title == "TensorRT"
    assert FakeNetwork.open == [network]
    (choice,) = cached_choices(stack.cache)
    assert "invalid device function" in choice.reason
    assert "fused kernels can't compute the network: " in describe_choice(choice)


@pytest.mark.parametrize("error", [BackendError("12 dB"), ModelError("ONNX Runtime can't run it")])
def test_tensorrt_is_used_where_the_validation_of_the_fused_kernels_fails(
    stack: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*arguments: Any) -> float:
        raise error

    monkeypatch.setattr(validation, "validate_engine", refuse)
    network: Any = open_network(stack, "auto", 64, 48)
    assert (network.title, FakeNetwork.open) == ("TensorRT", [network])
    with pytest.raises(type(error), match=str(error)):
        open_network(stack, "fused", 64, 48)
    assert FakeNetwork.open == [network]


@pytest.mark.parametrize("step", ["open", "lane", "run"])
def test_fused_kernels_are_used_where_tensorrt_fails(stack: Any, step: str) -> None:
    FakeNetwork.errors[f"TensorRT {step}"] = BackendError("no kernel found")
    network: Any = open_network(stack, "auto", 64, 48)
    assert network.title == "fused kernels"
    assert FakeNetwork.open == [network]
    (choice,) = cached_choices(stack.cache)
    assert describe_choice(choice).endswith("TensorRT can't be used: no kernel found")


def test_the_error_of_tensorrt_is_raised_where_both_fail(stack: Any) -> None:
    FakeNetwork.errors |= {"TensorRT run": BackendError("no kernel found"), "fused kernels run": BackendError("other")}
    with pytest.raises(BackendError, match="no kernel found"):
        open_network(stack, "auto", 64, 48)
    assert FakeNetwork.open == []
    assert cached_choices(stack.cache) == []


class TestWithoutTensorRt:
    """Machines with CUDA alone."""

    @pytest.fixture(autouse=True)
    def without_library(self, stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(network_choice, "Network", Network)
        stack.library = None

    def test_fused_kernels_are_used(self, stack: Any) -> None:
        network: Any = open_network(stack, "auto", 64, 48)
        assert FakeNetwork.open == [network]
        (choice,) = cached_choices(stack.cache)
        assert describe_choice(choice).endswith("TensorRT is not installed: pip install 'uprez[rtx]'")

    def test_the_error_says_what_is_missing_if_they_can_not_be_used(self, stack: Any) -> None:
        FakeNetwork.errors["fused kernels run"] = BackendError("invalid device function")
        with pytest.raises(BackendError, match=r"TensorRT is not installed: .*; fused kernels .*: invalid device"):
            open_network(stack, "auto", 64, 48)
        assert FakeNetwork.open == []

    def test_networks_in_fp32_are_refused_with_the_command(self, stack: Any) -> None:
        stack.model = catalogue.find("srvgg-24x8", np.float32)
        with pytest.raises(BackendError, match=r"TensorRT is not installed: pip install 'uprez\[rtx\]'"):
            open_network(stack, "auto", 64, 48)


@pytest.mark.parametrize("title", ["TensorRT", "fused kernels"])
def test_a_choice_for_lack_of_memory_is_not_cached(stack: Any, title: str) -> None:
    FakeNetwork.errors[f"{title} lane"] = OutOfMemory("no memory")
    assert open_network(stack, "auto", 64, 48).title != title
    assert cached_choices(stack.cache) == []


def test_networks_are_closed_when_the_comparison_is_interrupted(stack: Any) -> None:
    FakeNetwork.errors["TensorRT run"] = KeyboardInterrupt()  # type: ignore[assignment]  # no Exception, as Ctrl-C
    with pytest.raises(KeyboardInterrupt):
        open_network(stack, "auto", 64, 48)
    assert FakeNetwork.open == []


def test_processes_that_open_the_same_network_compare_it_once(stack: Any) -> None:
    threads = [threading.Thread(target=open_network, args=(stack, "auto", 64, 48)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert FakeNetwork.opened.count("TensorRT") == 1


def test_where_no_file_can_be_locked_the_faster_network_is_opened(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(lock: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("filelock.FileLock.__enter__", fail)
    assert open_network(stack, "auto", 32, 48).title == "fused kernels"


def test_gpus_before_ampere_use_tensorrt(resources: Callable[..., Any]) -> None:
    turing = resources(catalogue.find("srvgg-24x8", np.float16), "7.5")
    assert open_network(turing, "auto", 64, 48).title == "TensorRT"
    with pytest.raises(BackendError, match=r"compute capability 8\.0 or later, A GPU has 7\.5"):
        open_network(turing, "fused", 64, 48)


def test_a_network_that_is_no_stack_is_refused_with_the_operator(resources: Callable[..., Any]) -> None:
    with pytest.raises(ModelError, match=r"`engine` fused can't compute identity: it has .*; set `engine` to auto"):
        open_network(resources(catalogue.find("identity", np.float16)), "fused", 64, 48)


def test_fused_kernels_refuse_fp32(resources: Callable[..., Any]) -> None:
    fp32 = resources(catalogue.find("srvgg-24x8", np.float32))
    assert open_network(fp32, "auto", 64, 48).title == "TensorRT"
    with pytest.raises(ModelError, match=r"computes in fp16, and srvgg-24x8 is .*: set `precision` to fp16"):
        open_network(fp32, "fused", 64, 48)


def test_damaged_files_are_measured_again(stack: Any) -> None:
    open_network(stack, "auto", 64, 48)
    for path in stack.cache.folder.iterdir():
        path.write_bytes(b"{}")
    open_network(stack, "auto", 64, 48)
    assert FakeNetwork.opened.count("TensorRT") == 2


@pytest.mark.parametrize("step", ["", "save"])
def test_a_network_built_ahead_of_time_is_closed(stack: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr(network_choice, "load_if_installed", lambda engine: None)
    monkeypatch.setattr(network_choice, "Gpu", lambda device: None)
    monkeypatch.setattr(network_choice, "EngineResources", lambda *arguments: stack)
    if step:
        FakeNetwork.errors[f"fused kernels {step}"] = RuntimeError("CUDA_ERROR_LAUNCH_FAILED")
        with pytest.raises(BackendError, match="building the network: CUDA_ERROR_LAUNCH_FAILED"):
            prebuild_network(stack.model, (64, 48), 0, "auto", stack.cache)
    else:
        assert prebuild_network(stack.model, (64, 48), 0, "auto", stack.cache) == "fused kernels"
    assert FakeNetwork.open == []


@pytest.mark.parametrize(("engine", "half_sums"), [("auto", False), ("fused", False), ("fused-fp16acc", True)])
def test_sums_in_fp16_are_planned_only_where_they_are_requested(
    stack: Any, monkeypatch: pytest.MonkeyPatch, engine: str, half_sums: bool
) -> None:
    requested: list[str] = []

    def planner(gpu: Any, stack: Any, height: int, width: int, instructions: tuple[str, ...]) -> Any:
        requested.extend(instructions)
        return SimpleNamespace(plan=tuple)

    monkeypatch.setattr(network_choice, "KernelPlanner", planner)
    open_network(stack, engine, 64, 48)
    assert ("mma-fp16" in requested) == half_sums


def test_programs_with_and_without_sums_in_fp16_are_cached_apart(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[Any] = []

    def planner(*arguments: Any) -> Any:
        planned.append(arguments)
        return SimpleNamespace(plan=tuple)

    monkeypatch.setattr(network_choice, "KernelPlanner", planner)
    for engine in ("fused", "fused-fp16acc", "fused", "fused-fp16acc"):
        open_network(stack, engine, 64, 48)
    assert len(planned) == 2

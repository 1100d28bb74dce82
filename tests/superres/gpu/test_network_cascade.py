"""A cascade of networks on a GPU, with fakes of networks and of the kernels between them. tests/gpu has real ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ModelError, OutOfMemory
from pipeline.models.cascade import cascade
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import network_cascade, network_choice
from pipeline.superres.gpu.network_cascade import CascadeNetwork
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from tests.superres.fake_gpu import FakeGpu

TWICE = ModelSpec("twice", Path(), "", 2, np.dtype(np.float16), "input", "output", precision="fp16")
WHITE_255 = replace(TWICE, name="white", scale=1, value_range=255.0)


class Step:
    """A network whose lanes write down when they run.

    Attributes:
        log: What happened, in order.
        address: Address of the lanes' inputs; that of their outputs is the next.
    """

    def __init__(self, gpu: FakeGpu, model: ModelSpec, log: list[str], interleaved: bool = False) -> None:
        self.model, self.interleaved, self.log = model, interleaved, log
        self.context_bytes, self.has_fixed_size, self.title = 1000, True, f"engine of {model.name}"
        self.address = gpu.new_address()
        self._gpu = gpu

    def lane(self, stream: Any = None) -> Any:
        made, stream = self._gpu.allocate(8, stream), stream or self._gpu.stream()
        return SimpleNamespace(
            stream=stream,
            input=SimpleNamespace(handle=self.address),
            output=SimpleNamespace(handle=self.address + 1),
            run=lambda: self.log.append(f"run {self.model.name}"),
            close=made.close,
        )

    def save_runtime_cache(self) -> None:
        self.log.append(f"save {self.model.name}")

    def close(self) -> None:
        self.log.append(f"close {self.model.name}")


@pytest.fixture
def gpu() -> FakeGpu:
    return FakeGpu()


@pytest.fixture(autouse=True)
def links(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The arguments of the kernels that were compiled; a call of one is logged by `run`."""
    made: list[tuple[Any, ...]] = []

    class Link:
        def __init__(self, device: Any, *arguments: Any) -> None:
            made.append(arguments)

        def __call__(self, stream: Any, given: Any, wanted: Any) -> None:
            stream.log.append((given, wanted))

    monkeypatch.setattr(network_cascade, "Adapt", Link)
    return made


def test_each_network_runs_on_the_output_of_the_one_before(gpu: FakeGpu, links: list[tuple[Any, ...]]) -> None:
    log: list[Any] = []
    first, second = replace(TWICE, name="first"), replace(TWICE, name="second")
    steps: list[Any] = [Step(gpu, first, log), Step(gpu, second, log, interleaved=True)]
    joined = CascadeNetwork(gpu, cascade([first, second]), steps, (30, 40))  # type: ignore[arg-type]
    assert links == [(first, second, (80, 60), True)]
    lane: Any = joined.lane()
    lane.stream.log = log
    lane.run()
    assert log == ["run first", (steps[0].address + 1, steps[1].address), "run second"]
    assert (lane.input.handle, lane.output.handle) == (steps[0].address, steps[1].address + 1)
    lane.close()
    assert gpu.open_buffers == 0


def test_the_output_has_the_conventions_of_the_first_network(gpu: FakeGpu, links: list[tuple[Any, ...]]) -> None:
    log: list[Any] = []
    model, steps = cascade([TWICE, WHITE_255]), [Step(gpu, TWICE, log), Step(gpu, WHITE_255, log)]
    joined = CascadeNetwork(gpu, model, steps, (30, 40))  # type: ignore[arg-type]
    assert links == [(TWICE, WHITE_255, (80, 60), False), (WHITE_255, model, (80, 60))]
    lane: Any = joined.lane()
    lane.stream.log = log
    lane.run()
    assert log[-1] == (steps[1].address + 1, lane.output.handle)
    lane.close()
    assert gpu.open_buffers == 0


def test_the_memory_between_networks_is_counted(gpu: FakeGpu) -> None:
    log: list[Any] = []
    alike = CascadeNetwork(gpu, cascade([TWICE, TWICE]), [Step(gpu, TWICE, log), Step(gpu, TWICE, log, True)], (30, 40))  # type: ignore[arg-type]
    output_of_first, input_of_second = 3 * 60 * 80 * 2, 4 * 60 * 80 * 2
    assert alike.context_bytes == 2000 + output_of_first + input_of_second


def test_the_title_names_each_implementation_once(gpu: FakeGpu) -> None:
    log: list[Any] = []
    steps = [Step(gpu, each, log) for each in (WHITE_255, TWICE, TWICE)]
    joined = CascadeNetwork(gpu, cascade([WHITE_255, TWICE, TWICE]), steps, (30, 40))  # type: ignore[arg-type]
    assert joined.title == "engine of white and engine of twice"
    joined.save_runtime_cache()
    joined.close()
    assert log == ["save white", "save twice", "save twice", "close twice", "close twice", "close white"]


def test_lanes_are_closed_if_a_later_one_does_not_fit(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[Any] = []
    first, second = Step(gpu, TWICE, log), Step(gpu, TWICE, log)
    joined = CascadeNetwork(gpu, cascade([TWICE, TWICE]), [first, second], (30, 40))  # type: ignore[arg-type]

    def fail(stream: Any = None) -> Any:
        raise OutOfMemory("no memory, says this test")

    monkeypatch.setattr(second, "lane", fail)
    with pytest.raises(OutOfMemory):
        joined.lane()
    assert gpu.open_buffers == 0


def test_a_cascade_has_no_engine_of_its_own(gpu: FakeGpu) -> None:
    resources = EngineResources(gpu, None, None, cascade([TWICE, TWICE]))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"^twice twice is a cascade, and .* one network: name one `model`$"):
        Network(resources, 30, 40)


class TestOpening:
    @pytest.fixture
    def opened(self, gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
        """Sizes and shapes of the engines that were opened."""
        calls: list[tuple[Any, ...]] = []

        def open_engine(resources: Any, height: int, width: int, shapes: Shapes | None = None) -> Step:
            calls.append((resources.model.name, height, width, shapes))
            if len(calls) == 3:
                raise OutOfMemory("no memory, says this test")
            return Step(gpu, resources.model, self.log)

        self.log: list[str] = []
        monkeypatch.setattr(network_choice, "Network", open_engine)
        return calls

    @pytest.fixture
    def open_cascade(self, gpu: FakeGpu) -> Callable[..., Any]:
        def open_cascade(*models: ModelSpec, shapes: Shapes | None = None) -> Any:
            resources = EngineResources(gpu, None, None, cascade(models))  # type: ignore[arg-type]
            return network_choice.open_network(resources, "rtx", 30, 40, shapes)

        return open_cascade

    def test_each_network_is_opened_for_its_own_size(
        self, opened: list[tuple[Any, ...]], open_cascade: Callable[..., Any]
    ) -> None:
        open_cascade(TWICE, WHITE_255, shapes=Shapes.fixed(30, 40))
        assert opened == [("twice", 30, 40, Shapes.fixed(30, 40)), ("white", 60, 80, Shapes.fixed(60, 80))]

    def test_networks_are_closed_if_a_later_one_does_not_fit(
        self, opened: list[tuple[Any, ...]], open_cascade: Callable[..., Any]
    ) -> None:
        with pytest.raises(OutOfMemory):
            open_cascade(TWICE, WHITE_255, TWICE)
        assert [name for name, *_ in opened] == ["twice", "white", "twice"]
        assert self.log == ["close white", "close twice"]

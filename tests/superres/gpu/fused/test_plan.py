from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BackendError
from pipeline.models import synthetic
from pipeline.superres.gpu.fused import plan
from pipeline.superres.gpu.fused.kernel import BlockGrid, KernelShape, LayerSegment
from pipeline.superres.gpu.fused.plan import KernelPlanner, fastest_partition, segments
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.fused.stack import ConvolutionStack
from tests.superres.fake_gpu import FakeGpu
from tests.superres.gpu.fused.networks import joined_network

CHAIN = recognise(synthetic.srvgg(24, 4, np.float32))
KINDS = list(dict.fromkeys(kind for start in range(len(CHAIN.layers)) for kind in segments(CHAIN, start)))


def test_segments_begin_with_the_image_and_end_with_the_output() -> None:
    assert [(s.first, s.inner, s.last) for s in segments(CHAIN, 0)] == [
        (True, 0, False),
        (True, 1, False),
        (True, 2, False),
    ]
    assert [(s.first, s.inner, s.last) for s in segments(CHAIN, 4)] == [(False, 1, False), (False, 1, True)]


def test_a_layer_that_is_read_again_ends_its_segment() -> None:
    stack = recognise(joined_network())
    assert [s.layers for s in segments(stack, 0)] == [1]
    assert [(s.layers, s.epilogue) for s in segments(stack, 1)] == [(1, "none"), (2, "add")]


def test_a_joined_layer_begins_its_segment_and_the_layers_that_it_reads_end_theirs() -> None:
    stack = recognise(synthetic.span(16, 2, np.float32))
    widened, second_block, last_convolution, joined = 0, 4, 7, 8
    assert stack.layers[joined].joined == (widened, last_convolution, 3, second_block)
    assert [s.layers for s in segments(stack, widened)] == [1]
    assert [s.layers for s in segments(stack, second_block)] == [1]
    assert [s.layers for s in segments(stack, last_convolution)] == [1]
    assert [(s.joined, s.inner, s.last) for s in segments(stack, joined)] == [(4, 0, False), (4, 0, True)]


def all_partitions(start: int = 0) -> list[list[LayerSegment]]:
    if start == len(CHAIN.layers):
        return [[]]
    return [[kind, *rest] for kind in segments(CHAIN, start) for rest in all_partitions(start + kind.layers)]


@given(st.lists(st.floats(0.1, 10), min_size=len(KINDS), max_size=len(KINDS)))
def test_no_other_partition_is_faster_than_the_fastest(times: list[float]) -> None:
    seconds = dict(zip(KINDS, times, strict=True))
    chosen = fastest_partition(CHAIN, seconds)
    assert [start for start, _ in chosen] == list(np.cumsum([0, *(kind.layers for _, kind in chosen)]))[:-1]
    least = min(sum(seconds[kind] for kind in partition) for partition in all_partitions())
    assert sum(seconds[kind] for _, kind in chosen) <= least * (1 + 1e-9)


def test_kinds_that_were_not_timed_are_left_out() -> None:
    alone = {kind: 1.0 for kind in KINDS if kind.layers == 1}
    assert [kind.layers for _, kind in fastest_partition(CHAIN, alone)] == [1] * len(CHAIN.layers)


def test_no_partition_is_found_if_a_layer_has_no_timed_segment() -> None:
    without_the_first = {kind: 1.0 for kind in KINDS if not kind.first}
    assert fastest_partition(CHAIN, without_the_first) == []


@dataclass
class TimedEvent:
    """An event of a simulated GPU, on which each kernel of `FakeKernel` takes its own time."""

    at: float = 0.0

    def __sub__(self, other: TimedEvent) -> float:
        return self.at - other.at

    def sync(self) -> None: ...


class TimedGpu(FakeGpu):
    """A GPU whose clock advances with each launch."""

    def __init__(self) -> None:
        super().__init__()
        properties = SimpleNamespace(
            max_shared_memory_per_block_optin=99 * 1024, max_shared_memory_per_multiprocessor=100 * 1024
        )
        self.device = SimpleNamespace(device_id=0, arch="86", properties=properties)
        self.milliseconds = 0.0
        self.sizes: list[int] = []

    def event(self, timed: bool = False) -> Any:
        return TimedEvent()

    def allocate(self, size: int, stream: Any) -> Any:
        self.sizes.append(size)
        return super().allocate(size, stream)

    def stream(self) -> Any:
        def record(event: TimedEvent) -> None:
            event.at = self.milliseconds

        return SimpleNamespace(sync=lambda: None, record=record, gpu=self)


class FakeKernel:
    """Stands in for `FusedKernel`: each layer takes a millisecond, and a kernel a half more, unless it fails."""

    failing: ClassVar[set[LayerSegment]] = set()

    def __init__(self, device: Any, segment: LayerSegment, shape: KernelShape) -> None:
        if segment in self.failing:
            raise BackendError("NVRTC could not compile it")
        self.segment = segment

    def grids(self, height: int, width: int, count: int) -> list[BlockGrid]:
        return [BlockGrid(1, rows, 1) for rows in (height, height // 2)]

    def launch(self, stream: Any, grid: BlockGrid, arguments: tuple[int, ...], height: int, width: int) -> None:
        sources, output, constants = {arguments[0], *arguments[7:]}, arguments[1], set(arguments[2:5])
        assert len(arguments) == 10
        assert len(sources) == max(1, self.segment.joined)
        assert not sources & {output, *constants}
        assert output not in constants
        stream.gpu.milliseconds += self.segment.layers + 0.5 + (grid.rows == height)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> TimedGpu:
    monkeypatch.setattr(plan, "FusedKernel", FakeKernel)
    monkeypatch.setattr(FakeKernel, "failing", set())
    monkeypatch.setattr(plan, "compile_kernel", lambda arch, segment, shape: "code")
    return TimedGpu()


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_every_segment_is_measured_at_least_once(gpu: TimedGpu, seconds: float) -> None:
    kernels = KernelPlanner(gpu, CHAIN, 64, 48).plan(seconds)  # type: ignore[arg-type]  # a fake
    assert [kernel.segment.layers for kernel in kernels] == [3, 3]
    assert {kernel.grid.rows for kernel in kernels} == {32}
    assert [kernel.seconds for kernel in kernels] == pytest.approx([0.0035, 0.0035])
    assert gpu.open_buffers == 0


def test_buffers_are_large_enough_for_the_constants_of_small_frames(gpu: TimedGpu) -> None:
    KernelPlanner(gpu, CHAIN, 1, 1).plan(0.0)  # type: ignore[arg-type]  # a fake
    assert gpu.sizes[1] >= max(kind.weight_bytes for kind in KINDS)


def test_joined_layers_are_measured_with_a_buffer_for_each_image(gpu: TimedGpu) -> None:
    stack = recognise(synthetic.span(16, 2, np.float32))
    kernels = KernelPlanner(gpu, stack, 64, 48).plan(0.0)  # type: ignore[arg-type]  # a fake
    frame = 64 * 48 * 16 * 2
    assert sorted(gpu.sizes)[-5:] == [frame] * 5  # one of them for the output
    assert [kernel.segment.joined for kernel in kernels] == [0] * (len(kernels) - 1) + [4]


def compiled_by(
    monkeypatch: pytest.MonkeyPatch, gpu: TimedGpu, stack: ConvolutionStack
) -> list[tuple[LayerSegment, KernelShape]]:
    """Plan on a machine with one core; give what is compiled, in order."""
    compiled: list[tuple[LayerSegment, KernelShape]] = []

    def compile(arch: str, segment: LayerSegment, shape: KernelShape) -> str:
        compiled.append((segment, shape))
        return "code"

    monkeypatch.setattr(plan, "cores", lambda: 1)
    monkeypatch.setattr(plan, "compile_kernel", compile)
    KernelPlanner(gpu, stack, 64, 48).plan(60.0)  # type: ignore[arg-type]  # a fake
    return compiled


def test_each_segment_is_compiled_once_before_any_is_compiled_in_another_shape(
    gpu: TimedGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = [segment for segment, _ in compiled_by(monkeypatch, gpu, CHAIN)]
    assert compiled[: len(KINDS)] == KINDS
    assert len(compiled) > len(KINDS)


def test_the_error_of_the_compiler_is_raised_before_memory_is_allocated(
    gpu: TimedGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arch: str, segment: LayerSegment, shape: KernelShape) -> None:
        raise BackendError("NVRTC could not compile it")

    monkeypatch.setattr(plan, "compile_kernel", fail)
    with pytest.raises(BackendError, match="NVRTC could not compile it"):
        KernelPlanner(gpu, CHAIN, 64, 48).plan(60.0)  # type: ignore[arg-type]  # a fake
    assert gpu.sizes == []


@pytest.mark.parametrize(("capability", "warpgroups"), [("9.0", True), ("8.6", False), ("12.0", False)])
def test_wgmma_is_planned_on_hopper_alone(
    gpu: TimedGpu, monkeypatch: pytest.MonkeyPatch, capability: str, warpgroups: bool
) -> None:
    gpu.facts = replace(gpu.facts, capability=capability)
    shapes = [shape for _, shape in compiled_by(monkeypatch, gpu, recognise(synthetic.srvgg(40, 2, np.float32)))]
    assert any(shape.warpgroup for shape in shapes) == warpgroups
    assert not any(shape.half_sums for shape in shapes)


def test_buffers_are_freed_when_a_kernel_is_refused_by_the_gpu(gpu: TimedGpu) -> None:
    FakeKernel.failing = set(KINDS)
    with pytest.raises(BackendError, match="NVRTC could not compile it"):
        KernelPlanner(gpu, CHAIN, 64, 48).plan(0.0)  # type: ignore[arg-type]  # a fake
    assert gpu.open_buffers == 0


def test_a_gpu_without_room_for_any_kernel_is_refused(gpu: TimedGpu) -> None:
    gpu.device.properties.max_shared_memory_per_block_optin = 1024
    with pytest.raises(BackendError, match="no fused kernel fits into this GPU's shared memory"):
        KernelPlanner(gpu, CHAIN, 64, 48).plan(0.0)  # type: ignore[arg-type]  # a fake

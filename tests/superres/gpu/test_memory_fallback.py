"""The choice of execution plans, with a fake GPU and fake engines."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import OutOfMemory
from pipeline.frame import FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu.memory_fallback import ExecutionPlan, FallbackLadder, Resources
from tests.superres.fake_gpu import FakeGpu, FakeNetwork
from tests.superres.fake_gpu import gpu as gpu


def no_conversions(interleaved: bool) -> Any:
    return None


def make_ladder(gpu: FakeGpu, small_format: FrameFormat, budget: int, contexts: int = 2) -> FallbackLadder:
    engines: Any = SimpleNamespace(gpu=gpu, model=catalogue.find("clear-x2", np.float16))
    source = replace(small_format, width=640, height=480)
    resources = Resources(engines, "auto", no_conversions)
    return FallbackLadder(resources, source, source.enlarged(2), contexts, budget, reserved=0)


def summary(plan: ExecutionPlan) -> tuple[bool, int]:
    return plan.tiling.is_single_tile, len(plan.lanes)


def test_the_first_plan_is_the_complete_frame_on_all_contexts(gpu: FakeGpu, small_format: FrameFormat) -> None:
    assert summary(make_ladder(gpu, small_format, 10**9).next_plan()) == (True, 2)


@pytest.mark.parametrize(("megabytes", "lanes"), [(1200, 3), (900, 2), (500, 1)])
def test_fewer_contexts_are_preferred_to_tiles(
    gpu: FakeGpu, small_format: FrameFormat, megabytes: int, lanes: int
) -> None:
    assert summary(make_ladder(gpu, small_format, megabytes * 10**6, contexts=3).next_plan()) == (True, lanes)


def test_no_engine_is_built_that_can_not_fit(gpu: FakeGpu, small_format: FrameFormat) -> None:
    plan = make_ladder(gpu, small_format, 150 * 10**6).next_plan()
    assert not plan.tiling.is_single_tile
    assert len(FakeNetwork.loaded) == 2
    assert FakeNetwork.loaded[0] == (640, 480)


def test_each_plan_needs_no_more_memory_than_the_one_before(gpu: FakeGpu, small_format: FrameFormat) -> None:
    ladder = make_ladder(gpu, small_format, 10**9)
    sizes = []

    def use_up() -> None:
        while True:
            plan = ladder.next_plan()
            sizes.append((plan.tiling.tile_width * plan.tiling.tile_height, len(plan.lanes)))
            plan.close()

    with pytest.raises(OutOfMemory, match=r"do not fit into 0\.9 GiB of GPU memory.*`vram`"):
        use_up()
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 4
    assert gpu.open_buffers == 0


def test_an_engine_that_runs_out_of_memory_is_followed_by_smaller_tiles(
    gpu: FakeGpu, small_format: FrameFormat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeNetwork, "fails_above", 100_000)
    tiling = make_ladder(gpu, small_format, 10**9).next_plan().tiling
    assert tiling.tile_width * tiling.tile_height <= 100_000
    assert "trying fewer contexts or smaller tiles" in caplog.text


def test_memory_is_reserved_up_to_the_budget(gpu: FakeGpu, small_format: FrameFormat) -> None:
    ladder = make_ladder(gpu, small_format, 700 * 10**6)
    ladder.next_plan()
    ladder.reserve(10**6)
    with pytest.raises(OutOfMemory, match="another stream of 640x480 yuv420p does not fit"):
        ladder.reserve(10**9)
    ladder.unreserve(10**6)
    ladder.reserve(10**6)

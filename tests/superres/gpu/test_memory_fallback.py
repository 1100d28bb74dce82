"""Which way to work is taken, with engines and GPUs that are not there."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.errors import OutOfMemory
from pipeline.frame import FrameFormat
from pipeline.models import catalogue
from pipeline.superres.gpu import memory_fallback
from pipeline.superres.gpu.memory_fallback import FallbackLadder, Resources
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.tiling import cuts

BYTES_A_PIXEL = 1000


class FakeNetwork:
    """Takes 1000 bytes a pixel; `made` remembers the sizes that were tried."""

    made: ClassVar[list[tuple[int, int]]] = []
    fails_above = 10**9

    def __init__(self, gpu: Any, flavour: Any, model: Any, height: int, width: int, cache: Any, shapes: Any) -> None:
        self.made.append((width, height))
        if width * height > self.fails_above:
            raise OutOfMemory("no room, says this test")
        self.memory = BYTES_A_PIXEL * width * height
        self.fixed = True

    def close(self) -> None: ...


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> type[FakeNetwork]:
    monkeypatch.setattr(FakeNetwork, "made", [])
    monkeypatch.setattr(FakeNetwork, "fails_above", 10**9)
    monkeypatch.setattr(memory_fallback, "Network", FakeNetwork)
    monkeypatch.setattr(memory_fallback, "Way", lambda tools, network, tiling, contexts: (tiling, contexts))
    return FakeNetwork


def open_ways(small_format: FrameFormat, budget: int) -> FallbackLadder:
    nothing: Any = None
    model = catalogue.find("clear-x2", np.float16)
    tools = Resources(gpu=nothing, flavour=nothing, cache=nothing, model=model, conversions=nothing)
    return FallbackLadder(tools, replace(small_format, width=640, height=480), contexts=2, budget=budget, taken=0)


def taken(found: Any) -> tuple[bool, int]:
    tiling, contexts = found
    return tiling.whole, contexts


def test_the_whole_frame_on_all_contexts_where_it_fits(fakes: type[FakeNetwork], small_format: FrameFormat) -> None:
    assert taken(open_ways(small_format, 10**9).next()) == (True, 2)


def test_one_context_before_tiles(fakes: type[FakeNetwork], small_format: FrameFormat) -> None:
    assert taken(open_ways(small_format, 500 * 10**6).next()) == (True, 1)


def test_then_tiles_and_no_engine_is_built_that_can_not_fit(
    fakes: type[FakeNetwork], small_format: FrameFormat
) -> None:
    whole, _ = taken(open_ways(small_format, 150 * 10**6).next())
    assert not whole
    assert len(fakes.made) == 2
    assert fakes.made[0] == (640, 480)


def test_each_next_way_needs_no_more_than_the_one_before(fakes: type[FakeNetwork], small_format: FrameFormat) -> None:
    all_ways = open_ways(small_format, 10**9)
    sizes = []

    def use_up() -> None:
        while True:
            tiling, contexts = all_ways.next()  # type: ignore[misc]
            sizes.append((tiling.tile_width * tiling.tile_height, contexts))

    with pytest.raises(OutOfMemory, match=r"do not fit into 0\.9 GiB of GPU memory.*--vram"):
        use_up()
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 4


def test_an_engine_that_can_not_be_loaded_for_lack_of_memory_makes_tiles_smaller(
    fakes: type[FakeNetwork], small_format: FrameFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes, "fails_above", 100_000)
    tiling, _ = open_ways(small_format, 10**9).next()  # type: ignore[misc]
    assert tiling.tile_width * tiling.tile_height <= 100_000


def test_a_network_of_one_size_is_not_cut() -> None:
    model = replace(catalogue.find("clear-x2", np.float16), size=(480, 640))
    assert [tiling.whole for tiling in cuts(model, 640, 480)] == [True]


@pytest.mark.parametrize(
    ("complaint", "lacks"),
    [
        ("Error Code 2: OutOfMemory (Requested size was 123 bytes.)", True),
        ("cuda error 2", True),
        ("CUDA error: out of memory", True),
        ("Cuda error 209 no kernel image is available", False),
        ("an illegal memory access was encountered", False),
    ],
)
def test_what_tensorrt_says_of_lacking_memory(complaint: str, lacks: bool) -> None:
    assert library.TensorRtLibrary("rtx", None, SimpleNamespace(complaints=[complaint])).lacks_memory is lacks

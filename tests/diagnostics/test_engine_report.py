from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.diagnostics.engine_report import EngineRow, gpu_details


@pytest.mark.parametrize(
    ("one_lane", "two_lanes", "fastest"), [(None, None, None), (3.0, None, 3.0), (3.0, 2.0, 3.0), (3.0, 4.0, 4.0)]
)
def test_the_fastest_rate_is_the_better_one_of_those_measured(
    one_lane: float | None, two_lanes: float | None, fastest: float | None
) -> None:
    row = EngineRow(network="n", size="64x48", engine="tensorrt", one_lane=one_lane, two_lanes=two_lanes)
    assert row.fastest == fastest


def test_clocks_of_a_gpu_are_in_megahertz() -> None:
    properties = SimpleNamespace(
        multiprocessor_count=128,
        clock_rate=2520000,
        memory_clock_rate=10501000,
        global_memory_bus_width=384,
        l2_cache_size=75497472,
        max_shared_memory_per_multiprocessor=102400,
        max_shared_memory_per_block_optin=101376,
    )
    gpu: Any = SimpleNamespace(device=SimpleNamespace(properties=properties), facts=SimpleNamespace(memory=2**34))
    details = gpu_details(gpu)
    assert (details.clock, details.memory_clock, details.memory) == (2520, 10501, 2**34)

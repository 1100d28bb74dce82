from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models import synthetic
from pipeline.superres.gpu.fused.kernel import LayerSegment
from pipeline.superres.gpu.fused.plan import fastest, segments
from pipeline.superres.gpu.fused.recognition import recognise
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
    chain = recognise(joined_network())
    assert [s.layers for s in segments(chain, 0)] == [1]
    assert [(s.layers, s.epilogue) for s in segments(chain, 1)] == [(1, "none"), (2, "add")]


def all_partitions(start: int = 0) -> list[list[LayerSegment]]:
    if start == len(CHAIN.layers):
        return [[]]
    return [[kind, *rest] for kind in segments(CHAIN, start) for rest in all_partitions(start + kind.layers)]


@given(st.lists(st.floats(0.1, 10), min_size=len(KINDS), max_size=len(KINDS)))
def test_no_other_partition_is_faster_than_the_fastest(times: list[float]) -> None:
    seconds = dict(zip(KINDS, times, strict=True))
    chosen = fastest(CHAIN, seconds)
    assert [start for start, _ in chosen] == list(np.cumsum([0, *(kind.layers for _, kind in chosen)]))[:-1]
    least = min(sum(seconds[kind] for kind in partition) for partition in all_partitions())
    assert sum(seconds[kind] for _, kind in chosen) <= least * (1 + 1e-9)


def test_kinds_that_were_not_timed_are_left_out() -> None:
    alone = {kind: 1.0 for kind in KINDS if kind.layers == 1}
    assert [kind.layers for _, kind in fastest(CHAIN, alone)] == [1] * len(CHAIN.layers)


def test_no_partition_is_found_if_a_layer_has_no_timed_segment() -> None:
    without_the_first = {kind: 1.0 for kind in KINDS if not kind.first}
    assert fastest(CHAIN, without_the_first) == []

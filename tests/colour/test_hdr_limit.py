"""Enlarged HDR stays within what is around."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.colour.h273 import is_hdr
from pipeline.colour.hdr_limit import limit
from pipeline.frame import Colour


def enlarged(source: np.ndarray, scale: int) -> np.ndarray:
    return source.repeat(scale, 1).repeat(scale, 2)


@pytest.mark.parametrize(("transfer", "limited"), [(16, True), (18, True), (1, False), (2, False), (13, False)])
def test_pq_and_hlg_are_limited_and_nothing_else(transfer: int, limited: bool) -> None:
    assert is_hdr(Colour(9, False, transfer=transfer)) is limited


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    scale=st.integers(1, 4),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_each_sample_is_clipped_to_its_nine_pixels(
    seed: int, height: int, width: int, scale: int, dtype: type[np.floating]
) -> None:
    random = np.random.default_rng(seed)
    source = random.random((3, height, width)).astype(dtype)
    result = random.uniform(-1, 2, (3, height * scale, width * scale)).astype(dtype)
    expected = result.copy()
    for y in range(height * scale):
        for x in range(width * scale):
            top, left = max(y // scale - 1, 0), max(x // scale - 1, 0)
            nine = source[:, top : y // scale + 2, left : x // scale + 2]
            expected[:, y, x] = np.clip(expected[:, y, x], nine.min((1, 2)), nine.max((1, 2)))
    limit(result, source)
    assert np.array_equal(result, expected)


def test_what_is_within_stays_as_it_is() -> None:
    source = np.random.default_rng(1).random((3, 6, 8), np.float32)
    result = enlarged(source, 2)
    limit(result, source)
    assert np.array_equal(result, enlarged(source, 2))


def test_the_source_is_not_written_to() -> None:
    source = np.random.default_rng(2).random((3, 5, 5), np.float32)
    before = source.copy()
    limit(np.full((3, 10, 10), 9, np.float32), source)
    assert np.array_equal(source, before)


def test_planes_in_any_order_of_memory_are_limited_in_place() -> None:
    source = np.zeros((3, 4, 4), np.float32)
    whole = np.ones((3, 8, 8), np.float32)
    limit(whole[::-1], source)
    assert not whole.any()

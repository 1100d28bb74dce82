"""The overshoot limiter of HDR."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.colour.hdr_limit import limit_overshoot


def enlarged(source: np.ndarray, scale: int) -> np.ndarray:
    return source.repeat(scale, 1).repeat(scale, 2)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    scale=st.integers(1, 4),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_each_sample_is_clipped_to_the_range_of_nine_source_pixels(
    seed: int, height: int, width: int, scale: int, dtype: type[np.floating]
) -> None:
    random = np.random.default_rng(seed)
    source = random.random((3, height, width)).astype(dtype)
    output = random.uniform(-1, 2, (3, height * scale, width * scale)).astype(dtype)
    expected = output.copy()
    for y in range(height * scale):
        for x in range(width * scale):
            top, left = max(y // scale - 1, 0), max(x // scale - 1, 0)
            nine = source[:, top : y // scale + 2, left : x // scale + 2]
            expected[:, y, x] = np.clip(expected[:, y, x], nine.min((1, 2)), nine.max((1, 2)))
    limit_overshoot(output, source)
    assert np.array_equal(output, expected)


def test_samples_within_the_range_are_not_changed() -> None:
    source = np.random.default_rng(1).random((3, 6, 8), np.float32)
    output = enlarged(source, 2)
    limit_overshoot(output, source)
    assert np.array_equal(output, enlarged(source, 2))


def test_the_source_is_not_modified() -> None:
    source = np.random.default_rng(2).random((3, 5, 5), np.float32)
    before = source.copy()
    limit_overshoot(np.full((3, 10, 10), 9, np.float32), source)
    assert np.array_equal(source, before)


def test_a_reversed_view_is_limited_in_place() -> None:
    source = np.zeros((3, 4, 4), np.float32)
    whole = np.ones((3, 8, 8), np.float32)
    limit_overshoot(whole[::-1], source)
    assert not whole.any()

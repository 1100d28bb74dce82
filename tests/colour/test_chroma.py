"""Chroma filters: flat stays flat, ramps stay where they are, for every siting and length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.chroma import double, halve

lengths = st.integers(1, 40)


@given(length=lengths, cosited=st.booleans(), axis=st.sampled_from([0, 1]))
def test_a_flat_field_stays_flat(length: int, cosited: bool, axis: int) -> None:
    shape = [3, 3]
    shape[axis] = length
    down = halve(np.full(shape, 0.3), axis, cosited)
    assert down.shape[axis] == -(-length // 2)
    np.testing.assert_allclose(down, 0.3)
    up = double(down, length, axis, cosited)
    assert up.shape[axis] == length
    np.testing.assert_allclose(up, 0.3)


@pytest.mark.parametrize(("cosited", "offset"), [(True, 0.0), (False, 0.5)])
def test_a_ramp_is_sampled_where_chroma_is_sited(cosited: bool, offset: float) -> None:
    luma_positions = np.arange(32.0)[:, None]
    down = halve(luma_positions, 0, cosited)
    np.testing.assert_allclose(down[1:-1, 0], 2 * np.arange(1, 15) + offset)
    up = double(down, 32, 0, cosited)
    np.testing.assert_allclose(up[3:-3], luma_positions[3:-3])

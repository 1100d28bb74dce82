"""Frames of any format through an identity on the CPU."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given

from pipeline.frame import FrameFormat
from tests.superres.identities import IdentityCheck, Samples, draw_frame, flat, formats, patterns, seeds
from tests.superres.networks import open_cpu_session


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@given(format=formats, pattern=patterns, seed=seeds)
def test_any_frame_is_within_the_tolerance_of_float64(
    dtype: type[np.floating], format: FrameFormat, pattern: Callable[..., Samples], seed: int
) -> None:
    IdentityCheck(open_cpu_session, dtype).assert_preserved(draw_frame(format, pattern, seed))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@given(format=formats, seed=seeds)
def test_any_flat_field_is_preserved(dtype: type[np.floating], format: FrameFormat, seed: int) -> None:
    IdentityCheck(open_cpu_session, dtype).assert_flat_preserved(draw_frame(format, flat, seed))

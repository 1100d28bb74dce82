"""Frames of any format through an identity on a GPU."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.frame import FrameFormat
from tests.gpu.sessions import open_gpu_session, tensorrt
from tests.superres.identities import IdentityCheck, Samples, draw_frame, flat, formats, patterns, seeds

open_session = partial(open_gpu_session, options=tensorrt(contexts=1), slots=3)
few = settings(max_examples=40)  # each example opens a session and compiles its kernels


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@few
@given(format=formats, pattern=patterns, seed=seeds)
def test_any_frame_is_within_the_tolerance_of_float64(
    dtype: type[np.floating], format: FrameFormat, pattern: Callable[..., Samples], seed: int
) -> None:
    IdentityCheck(open_session, dtype).assert_preserved(draw_frame(format, pattern, seed))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@few
@given(format=formats, seed=seeds)
def test_any_flat_field_is_preserved(dtype: type[np.floating], format: FrameFormat, seed: int) -> None:
    IdentityCheck(open_session, dtype).assert_flat_preserved(draw_frame(format, flat, seed))

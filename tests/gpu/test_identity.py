"""Any valid frame of any format, through a network that changes nothing, on a GPU."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.frame import FrameFormat
from pipeline.superres.gpu.session import TensorRtSession
from tests.superres.identities import Identity, drawn, flat, formats, patterns, seeds

ON_A_GPU = partial(TensorRtSession, slots=3, contexts=1)
few = settings(max_examples=40)  # each is a session, and kernels compiled for it


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@few
@given(format=formats, pattern=patterns, seed=seeds)
def test_any_frame_comes_back_within_the_stated_error(
    dtype: type[np.floating], format: FrameFormat, pattern: object, seed: int
) -> None:
    Identity(ON_A_GPU, dtype).keeps(drawn(format, pattern, seed))  # type: ignore[arg-type]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@few
@given(format=formats, seed=seeds)
def test_any_flat_field_comes_back_as_it_is(dtype: type[np.floating], format: FrameFormat, seed: int) -> None:
    Identity(ON_A_GPU, dtype).keeps_flat(drawn(format, flat, seed))

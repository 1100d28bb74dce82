"""Any valid frame of any format, through a network that changes nothing, on the CPU."""

import numpy as np
import pytest
from hypothesis import given

from pipeline.frame import FrameFormat
from pipeline.superres.cpu.session import OnnxSession
from tests.superres.identities import Identity, drawn, flat, formats, patterns, seeds


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@given(format=formats, pattern=patterns, seed=seeds)
def test_any_frame_comes_back_within_the_stated_error(
    dtype: type[np.floating], format: FrameFormat, pattern: object, seed: int
) -> None:
    Identity(OnnxSession, dtype).keeps(drawn(format, pattern, seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@given(format=formats, seed=seeds)
def test_any_flat_field_comes_back_as_it_is(dtype: type[np.floating], format: FrameFormat, seed: int) -> None:
    Identity(OnnxSession, dtype).keeps_flat(drawn(format, flat, seed))

"""The offset between two clocks is that of the first frame, unless few frames agree with it."""

import numpy as np
import pytest

from pipeline.verification.clock_offset import common_shift


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([], 0.0),
        ([np.nan, np.nan], 0.0),
        ([0.5] * 9, 0.5),
        ([0.5, np.nan, 0.5], 0.5),
        ([0.5] + [0.0] * 9, 0.0),  # the first one alone is wrong
        ([0.5] * 3 + [0.54] * 6, 0.5),  # a third agrees with the first one
        ([0.0, 0.001, 0.0005], 0.0005),  # within a tick, the middle
    ],
)
def test_the_shift_is_the_one_that_most_frames_share(differences: list[float], expected: float) -> None:
    assert common_shift(np.array(differences, np.float64), 0.001) == pytest.approx(expected, abs=1e-9)

"""Faults of frames that no muxer would write."""

import numpy as np

from pipeline.verification.alignment import Alignment
from pipeline.verification.colour_check import ColourComparison
from pipeline.verification.frame_check import check_frames


def test_frames_without_a_timestamp_are_one_fault() -> None:
    source = np.arange(10, dtype=np.float64) * 0.04
    result = np.where(np.isin(np.arange(10), (3, 5)), np.nan, source)
    match = Alignment(source, result, tuple(range(10)), np.zeros(10), np.ones(10), 0.4, 0.4, ColourComparison())
    (fault,) = check_frames(match, 0.001)[0]
    assert (fault.kind, fault.count, fault.at) == ("time", 2, source[3])
    assert fault.message == "2 frames are without a timestamp, the first is frame 3 of the output"

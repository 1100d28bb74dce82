"""Compares the closed captions (CEA-608 and 708) of source and output, frame by frame."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.verdict import Fault, count_phrase

_ROUNDED = 1e-6  # seconds


class CaptionDigests:
    """The captions of a video's frames: when, and a digest of their content."""

    def __init__(self) -> None:
        self._times, self._digests = array("d"), array("q")

    def add(self, time: float, captions: bytes) -> None:
        """Add the captions of the frame at `time`, in seconds; empty ones are none."""
        if captions:
            self._times.append(time)
            self._digests.append(hash(captions))

    def __len__(self) -> int:
        return len(self._times)

    @property
    def times(self) -> NDArray[np.float64]:
        """The times of frames with captions, in seconds."""
        return np.array(self._times)

    @property
    def digests(self) -> list[int]:
        """A digest of each, comparable within one process."""
        return self._digests.tolist()


def compare_captions(
    source: CaptionDigests, output: CaptionDigests, shift: float, tick: float, is_carried: bool
) -> Iterator[Fault | str]:
    """Yield faults about the captions of an output, and a remark if its codec carries none.

    Args:
        source: Those of the source.
        output: Those of the output.
        shift: Output time minus source time of the frames, in seconds.
        tick: Resolution of the output's clock, in seconds.
        is_carried: The output's codec carries captions.
    """
    if not is_carried:
        if len(source):
            yield f"its codec carries no closed captions; {len(source)} frames of the source have them"
        return
    lost = sum((Counter(source.digests) - Counter(output.digests)).values())
    if lost:
        at = float(source.times[0])
        yield Fault("captions", f"closed captions of {count_phrase(lost, 'frame')} missing or changed", lost, at)
    elif len(source) != len(output):
        more = len(output) - len(source)
        yield Fault("captions", f"closed captions of {count_phrase(more, 'frame')} not from the source", more)
    elif source.digests != output.digests:
        yield Fault("captions", "its closed captions are in another order than the source's")
    else:
        late = output.times - source.times - shift
        wrong = int((np.abs(late) > tick + _ROUNDED).sum())
        if wrong:
            at = float(source.times[0])
            yield Fault("captions", f"closed captions of {count_phrase(wrong, 'frame')} at another time", wrong, at)

"""The check of a finished output, after which it gets its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError, OutputError
from pipeline.files.durable.segment_sink import SegmentSink
from pipeline.media.writing.output_kind import Sink
from pipeline.verification.packet_count import check_packets


def commit_checked(sink: Sink | SegmentSink, times: NDArray[np.float64], overwrite: bool) -> Path:
    """Read a finished file again, and give it its name if it contains what went into it.

    Args:
        sink: All packets are written into it.
        times: The time of each frame in seconds, of shape (frames,).
        overwrite: Replace a file of that name.

    Raises:
        OutputError: Something is missing, or the file can't get its name. The message names what is kept.
    """
    finished, fault = sink.finalize(), ""
    try:
        if finished:
            found = check_packets(finished, times, sink.copied, sink.ends)
            fault = next((each.message for each in found), "")
    except InputError as error:
        fault = str(error)
    if fault:
        kept = sink.keep_partial()
        raise OutputError(f"{sink.path}: is incomplete after writing ({fault}); it is kept as {kept}")
    return sink.commit(overwrite)

"""Finishes a job whose frames are all in segments: nothing is decoded or upscaled again."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from pipeline.files.commit import commit_checked
from pipeline.files.components import open_source
from pipeline.files.durable.outcome import Outcome
from pipeline.files.durable.segment_sink import SegmentSink
from pipeline.files.durable.work_folder import WorkFolder
from pipeline.files.result import Result


def finish_job(work: WorkFolder, outcome: Outcome, is_aborted: Callable[[], bool]) -> Result:
    """Join the segments of a job to its output, and give it its name.

    Args:
        work: The work folder, with all segments.
        outcome: The outcome of the job, from the folder.
        is_aborted: Asked before each segment whether to end.

    Raises:
        Cancelled: `is_aborted` returned True.
        InputError: The source can't be opened, for the description of its streams.
        OutputError: The output can't be written.
    """
    began, plan = time.monotonic(), work.plan
    shift = round(plan.time_shift / plan.time_base)
    times = np.array(work.times, np.float64) - shift
    times *= float(plan.time_base)
    with open_source(plan) as source, SegmentSink(work, source) as sink:
        sink.join(is_aborted)
        source.damage.add(damaged_packets=sink.damaged)
        path = commit_checked(sink, times, plan.settings.overwrite)
        return Result(
            path=path,
            frames_in=outcome.frames_in,
            frames_out=outcome.frames,
            stopped=False,
            source_intact=outcome.source_intact and not sink.damaged,
            frames_lost=outcome.frames_lost,
            frames_damaged=outcome.frames_damaged,
            seconds=time.monotonic() - began,
            backend=outcome.backend,
            bottleneck="join",
            frames_resumed=outcome.frames,
            notes=plan.notes,
            findings=(*outcome.findings, *sink.findings()),
        )

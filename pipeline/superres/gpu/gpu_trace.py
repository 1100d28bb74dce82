"""Trace of the GPU's work: the events of each slot as spans on the host's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.flow.telemetry import Trace
from pipeline.superres.gpu.ring import Slot
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Event, Stream


class GpuTrace:
    """Adds the copies and kernels of finished slots to a trace."""

    def __init__(self, gpu: Gpu, trace: Trace) -> None:
        self._trace = trace
        self._group = f"GPU {gpu.device.device_id}"
        # One event whose time is known on both clocks: the other events are measured from it.
        self._anchor = gpu.event(timed=True)
        stream = gpu.stream()
        stream.record(self._anchor)
        stream.sync()
        self._anchor_time = time.perf_counter()

    def mark(self, slot: Slot, name: str, stream: Stream) -> None:
        """Record the slot's trace event `name`, one of TRACE_EVENTS, on `stream`."""
        stream.record(slot.trace_events[name])

    def collect(self, slot: Slot, lane: int, pts: int, network: str) -> None:
        """Add the spans of a finished slot.

        Args:
            slot: The slot.
            lane: Number of the lane that computed its frame.
            pts: Presentation time of the frame.
            network: What ran the network, such as "fused kernels".
        """
        events = slot.trace_events
        compute = f"compute {lane}"
        spans = [
            ("copy in", "copy in", events["upload"], slot.uploaded),
            (compute, "to_rgb", events["compute"], events["to_rgb"]),
            (compute, network, events["to_rgb"], events["network"]),
            (compute, "from_rgb", events["network"], events["from_rgb"]),
            ("copy out", "copy out", events["download"], slot.downloaded),
        ]
        for track, name, begin, end in spans:
            self._trace.add(self._group, track, name, self._time(begin), self._time(end), pts)

    def _time(self, event: Event) -> float:
        """Time of an event in seconds of time.perf_counter."""
        return self._anchor_time + float(event - self._anchor) / 1000

"""When the GPU did what, for a trace: the events of a slot, on the host's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.flow.telemetry import Trace
from pipeline.superres.gpu.ring import Slot
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Event, Stream


class GpuTrace:
    """Turns the events of finished slots into spans of `trace`."""

    def __init__(self, gpu: Gpu, trace: Trace) -> None:
        self._trace = trace
        self._name = f"GPU {gpu.device.device_id}"
        self._anchor = gpu.event(timed=True)
        stream = gpu.stream()
        stream.record(self._anchor)
        stream.sync()
        self._anchored = time.perf_counter()

    def mark(self, slot: Slot, name: str, stream: Stream) -> None:
        stream.record(slot.marks[name])

    def collect(self, slot: Slot, lane: int, pts: int) -> None:
        """Note the spans of a slot that is done."""
        marks = slot.marks
        compute = f"compute {lane}"
        spans = [
            ("copy in", "copy in", marks["upload"], slot.uploaded),
            (compute, "to_rgb", marks["compute"], marks["to_rgb"]),
            (compute, "network", marks["to_rgb"], marks["network"]),
            (compute, "from_rgb", marks["network"], marks["from_rgb"]),
            ("copy out", "copy out", marks["download"], slot.downloaded),
        ]
        for track, name, begin, end in spans:
            self._trace.add(self._name, track, name, self._at(begin), self._at(end), pts)

    def _at(self, event: Event) -> float:
        return self._anchored + float(event - self._anchor) / 1000

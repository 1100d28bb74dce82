"""The events of a finished slot become spans on the host's clock."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.flow.telemetry import Trace
from pipeline.superres.gpu.gpu_trace import GpuTrace
from pipeline.superres.gpu.ring import TRACE_EVENTS


class TimedEvent:
    """Stands in for an event; `at` is its time on the GPU's clock in ms."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def __sub__(self, other: TimedEvent) -> float:
        return self.at - other.at


class FakeGpu:
    """Stands in for a GPU and its streams; `now` is the GPU's clock in ms."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.device = SimpleNamespace(device_id=1)

    def event(self, timed: bool) -> TimedEvent:
        assert timed
        return TimedEvent()

    def stream(self) -> FakeGpu:
        return self

    def record(self, event: TimedEvent) -> None:
        event.at = self.now

    def sync(self) -> None: ...


def test_spans_of_a_slot_are_placed_on_the_clock_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu: Any = FakeGpu()
    slot: Any = SimpleNamespace(
        trace_events={name: TimedEvent() for name in TRACE_EVENTS}, uploaded=TimedEvent(), downloaded=TimedEvent()
    )
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)
    trace = Trace()
    gpu_trace = GpuTrace(gpu, trace)
    order = ["upload", "uploaded", "compute", "to_rgb", "network", "from_rgb", "download", "downloaded"]
    for name in order:
        gpu.now += 1.0
        if name in TRACE_EVENTS:
            gpu_trace.mark(slot, name, gpu)
        else:
            gpu.record(getattr(slot, name))
    gpu_trace.collect(slot, lane=0, pts=7, network="fused kernels")
    names = [("copy in", "copy in"), *(("compute 0", name) for name in ("to_rgb", "fused kernels", "from_rgb"))]
    expected = [*names, ("copy out", "copy out")]
    assert [span[:3] + span[5:] for span in trace.spans] == [("GPU 1", track, name, 7) for track, name in expected]
    milliseconds = [(begin - 100) * 1000 for *_, begin, _, _ in trace.spans]
    assert milliseconds == pytest.approx([1, 3, 4, 5, 7])
    assert [(end - begin) * 1000 for *_, begin, end, _ in trace.spans] == pytest.approx([1] * 5)

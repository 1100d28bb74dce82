"""Traces, as Perfetto reads them."""

import pytest

from pipeline.flow.telemetry import Meter, Trace


def test_groups_become_processes_and_tracks_threads() -> None:
    trace = Trace()
    trace.add("threads", "decode", "decode", 10.0, 10.5)
    trace.add("GPU 0", "copy in", "copy in", 10.25, 10.5, frame=7)
    events = trace.as_json()["traceEvents"]
    names = {(event["name"], event["args"]["name"]) for event in events if event["ph"] == "M"}
    assert names == {
        ("process_name", "threads"),
        ("process_name", "GPU 0"),
        ("thread_name", "decode"),
        ("thread_name", "copy in"),
    }
    first, second = (event for event in events if event["ph"] == "X")
    assert (first["ts"], first["dur"]) == (0, 500_000)
    assert (second["ts"], second["dur"], second["args"]) == (250_000, 250_000, {"frame": 7})
    assert first["pid"] != second["pid"]


def test_a_cut_keeps_a_moment_in_the_middle() -> None:
    trace = Trace()
    for index in range(100):
        trace.add("threads", "decode", str(index), index, index + 0.9)
    trace.cut(10)
    assert [span[2] for span in trace.spans] == [str(index) for index in range(50, 60)]


def test_an_empty_trace_is_a_trace() -> None:
    trace = Trace()
    trace.cut(1)
    assert trace.as_json()["traceEvents"] == []


def test_a_meter_notes_its_work() -> None:
    meter = Meter("decode", trace=Trace())
    meter.work(1.0, 3.0)
    assert meter.busy == pytest.approx(2.0)
    assert meter.trace is not None
    assert meter.trace.spans == [("threads", "decode", "decode", 1.0, 3.0, None)]

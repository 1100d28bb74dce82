"""Traces in Chrome's format, meters, progress."""

import pytest

from pipeline.flow.telemetry import Meter, Progress, Trace, bottleneck


def test_a_trace_has_a_process_for_each_group_and_a_thread_for_each_track() -> None:
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


def test_cut_keeps_the_middle_of_a_trace() -> None:
    trace = Trace()
    for index in range(100):
        trace.add("threads", "decode", str(index), index, index + 0.9)
    trace.cut(10)
    assert [span[2] for span in trace.spans] == [str(index) for index in range(50, 60)]


def test_an_empty_trace_can_be_written() -> None:
    trace = Trace()
    trace.cut(1)
    assert trace.as_json()["traceEvents"] == []


def test_a_meter_records_its_work() -> None:
    meter = Meter("decode", trace=Trace())
    meter.work(1.0, 3.0)
    assert meter.busy == pytest.approx(2.0)
    assert meter.trace is not None
    assert meter.trace.spans == [("threads", "decode", "decode", 1.0, 3.0, None)]


def test_the_bottleneck_is_the_stage_that_is_busy_for_the_largest_share() -> None:
    meters = [Meter("decode", busy=5.0, blocked=5.0), Meter("encode", busy=4.0, starved=1.0), Meter("idle")]
    assert bottleneck(meters) == "encode"


def test_progress_estimates_rate_and_remaining_time() -> None:
    progress = Progress(done=10, total=40, seconds=5.0, bottleneck="encode")
    assert (progress.rate, progress.remaining) == (2.0, 15.0)
    assert Progress(done=0, total=0, seconds=0.0, bottleneck="").remaining is None

"""The figures, parsed by Prometheus' own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from pipeline.live.stats import OutputFigures
from pipeline.live.web.metrics import exposition
from tests.live.web.stand_in import StandIn, stream

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(live: StandIn) -> Samples:
    """All samples by name and labels, each of which must be unique."""
    found: Samples = {}
    for family in text_string_to_metric_families(exposition(live.figures()).decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def value(parsed: Samples, name: str, /, **labels: str) -> float:
    return parsed[name, frozenset(labels.items())]


def test_the_figures_of_a_stream_are_exported() -> None:
    parsed = samples(StandIn(stream("yard")))
    assert value(parsed, "uprez_stream_up", stream="yard") == 1
    assert value(parsed, "uprez_stream_frames_in_total", stream="yard") == 18_850
    assert value(parsed, "uprez_stream_dropped_total", stream="yard", reason="too slow") == 7
    assert value(parsed, "uprez_stream_delay_seconds", stream="yard", quantile="0.99") == 0.047
    assert value(parsed, "uprez_stream_faults_total", stream="yard", kind="silence") == 1
    assert value(parsed, "uprez_gpu_use_ratio", gpu="0", name="NVIDIA H100") == 0.42
    assert value(parsed, "uprez_uptime_seconds") == 3725


def test_frames_repeated_by_the_source_and_in_gaps_are_two_metrics() -> None:
    parsed = samples(StandIn(stream("yard", frames_repeated=12, frames_filled=5)))
    assert value(parsed, "uprez_stream_frames_repeated_total", stream="yard") == 12
    assert value(parsed, "uprez_stream_frames_filled_total", stream="yard") == 5


def test_a_disconnected_stream_is_down_and_has_one_status() -> None:
    parsed = samples(StandIn(stream("yard", status="waiting", delay=None), stream("gate")))
    assert value(parsed, "uprez_stream_up", stream="yard") == 0
    assert value(parsed, "uprez_stream_up", stream="gate") == 1
    assert value(parsed, "uprez_stream_status", stream="yard", status="waiting") == 1
    assert value(parsed, "uprez_stream_status", stream="yard", status="live") == 0


def test_outputs_with_the_same_name_are_distinguished_by_number() -> None:
    twice = (OutputFigures(name="rtmp://server/live", kind="rtmp", status="live", bytes=5),) * 2
    parsed = samples(StandIn(stream("yard", outputs=twice)))
    labels = {"stream": "yard", "kind": "rtmp", "address": "rtmp://server/live"}
    assert value(parsed, "uprez_output_bytes_total", output="0", **labels) == 5
    assert value(parsed, "uprez_output_bytes_total", output="1", **labels) == 5


def test_quotes_and_newlines_in_labels_are_escaped() -> None:
    reason = 'said "no"\nand \\ left'
    parsed = samples(StandIn(stream("yard", dropped={reason: 1})))
    assert value(parsed, "uprez_stream_dropped_total", stream="yard", reason=reason) == 1

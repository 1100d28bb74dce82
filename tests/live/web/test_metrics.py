"""The figures, read as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from pipeline.live.stats import OutputFigures
from pipeline.live.web.metrics import exposition
from tests.live.web.stand_in import StandIn, stream

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(live: StandIn) -> Samples:
    """All samples by their names and labels; none may come twice."""
    found: Samples = {}
    for family in text_string_to_metric_families(exposition(live.figures()).decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def value(found: Samples, name: str, /, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_each_figure_of_a_stream_is_told() -> None:
    found = samples(StandIn(stream("yard")))
    assert value(found, "uprez_stream_up", stream="yard") == 1
    assert value(found, "uprez_stream_frames_in_total", stream="yard") == 18_850
    assert value(found, "uprez_stream_dropped_total", stream="yard", reason="behind") == 7
    assert value(found, "uprez_stream_delay_seconds", stream="yard", quantile="0.99") == 0.047
    assert value(found, "uprez_stream_faults_total", stream="yard", kind="silence") == 1
    assert value(found, "uprez_gpu_use_ratio", gpu="0", name="NVIDIA H100") == 0.42
    assert value(found, "uprez_uptime_seconds") == 3725


def test_a_stream_that_is_away_is_down_and_has_one_status() -> None:
    found = samples(StandIn(stream("yard", status="waiting", delay=None), stream("gate")))
    assert value(found, "uprez_stream_up", stream="yard") == 0
    assert value(found, "uprez_stream_up", stream="gate") == 1
    assert value(found, "uprez_stream_status", stream="yard", status="waiting") == 1
    assert value(found, "uprez_stream_status", stream="yard", status="live") == 0


def test_outputs_that_show_the_same_name_are_told_apart() -> None:
    twice = (OutputFigures(name="rtmp://server/live", kind="rtmp", status="live", bytes=5),) * 2
    found = samples(StandIn(stream("yard", outputs=twice)))
    labels = {"stream": "yard", "kind": "rtmp", "address": "rtmp://server/live"}
    assert value(found, "uprez_output_bytes_total", output="0", **labels) == 5
    assert value(found, "uprez_output_bytes_total", output="1", **labels) == 5


def test_names_with_quotes_come_through() -> None:
    reason = 'said "no"\nand \\ left'
    found = samples(StandIn(stream("yard", dropped={reason: 1})))
    assert value(found, "uprez_stream_dropped_total", stream="yard", reason=reason) == 1

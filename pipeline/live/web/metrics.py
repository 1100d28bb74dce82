"""The figures in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.live.stats import GpuFigures, LiveFigures, OutputFigures, Status, StreamFigures


def exposition(figures: LiveFigures) -> bytes:
    """`figures` in Prometheus' text format, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Families(figures))
    return generate_latest(registry)


class _Families(Collector):
    """The metrics of one moment. Outputs and GPUs are numbered, as several may have the same name."""

    def __init__(self, figures: LiveFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        yield GaugeMetricFamily("uprez_uptime_seconds", "Seconds since the start", figures.uptime)
        yield GaugeMetricFamily("uprez_memory_bytes", "Main memory in use, including child processes", figures.memory)
        yield from _labelled_stream_metrics(figures.streams)
        yield from _stream_metrics(figures.streams)
        yield from _output_metrics([(s.name, n, output) for s in figures.streams for n, output in enumerate(s.outputs)])
        yield from _gpu_metrics(figures.gpus)


def _labelled_stream_metrics(streams: tuple[StreamFigures, ...]) -> Iterator[Metric]:
    """Metrics with another label beside the stream: status, reason, kind of fault, quantile."""
    status = GaugeMetricFamily("uprez_stream_status", "1 for the current status", labels=("stream", "status"))
    delay = GaugeMetricFamily(
        "uprez_stream_delay_seconds",
        "Delay from reading a packet to handing over its encoded frame, over the last minute",
        labels=("stream", "quantile"),
    )
    dropped = CounterMetricFamily("uprez_stream_dropped", "Frames dropped after decoding", labels=("stream", "reason"))
    skipped = CounterMetricFamily(
        "uprez_stream_skipped", "Packets dropped before decoding", labels=("stream", "reason")
    )
    faults = CounterMetricFamily(
        "uprez_stream_faults", "What ended connections and attempts", labels=("stream", "kind")
    )
    for stream in streams:
        for each in get_args(Status):
            status.add_metric((stream.name, each), each == stream.status)
        for reason, count in stream.dropped.items():
            dropped.add_metric((stream.name, reason), count)
        for reason, count in stream.skipped.items():
            skipped.add_metric((stream.name, reason), count)
        for fault, count in stream.faults.items():
            faults.add_metric((stream.name, fault), count)
        if stream.delay:
            for quantile, value in (("0.5", stream.delay.p50), ("0.95", stream.delay.p95), ("0.99", stream.delay.p99)):
                delay.add_metric((stream.name, quantile), value)
    yield from (status, delay, dropped, skipped, faults)


def _stream_metrics(streams: tuple[StreamFigures, ...]) -> Iterator[Metric]:
    for kind, name, text, values in (
        (GaugeMetricFamily, "up", "1 while it is live", [s.status == "live" for s in streams]),
        (GaugeMetricFamily, "rate_in", "Frames decoded per second", [s.rate_in for s in streams]),
        (GaugeMetricFamily, "rate_out", "Frames encoded per second", [s.rate_out for s in streams]),
        (GaugeMetricFamily, "waiting", "Decoded frames that wait to be upscaled", [s.waiting for s in streams]),
        (
            GaugeMetricFamily,
            "most_waiting",
            "Largest number of frames that ever waited",
            [s.most_waiting for s in streams],
        ),
        (CounterMetricFamily, "frames_in", "Frames decoded", [s.frames_in for s in streams]),
        (CounterMetricFamily, "frames_out", "Frames upscaled and encoded", [s.frames_out for s in streams]),
        (
            CounterMetricFamily,
            "frames_repeated",
            "Repeated frames, upscaled once",
            [s.frames_repeated for s in streams],
        ),
        (CounterMetricFamily, "frames_filled", "Frames repeated in gaps", [s.frames_filled for s in streams]),
        (CounterMetricFamily, "connects", "Connections that delivered video", [s.connects for s in streams]),
    ):
        family = kind(f"uprez_stream_{name}", text, labels=("stream",))
        for stream, value in zip(streams, values, strict=True):
            family.add_metric((stream.name,), value)
        yield family


def _output_metrics(outputs: list[tuple[str, int, OutputFigures]]) -> Iterator[Metric]:
    labels = ("stream", "output", "kind", "address")
    dropped = CounterMetricFamily("uprez_output_dropped", "Packets of video dropped", labels=(*labels, "reason"))
    for stream, number, output in outputs:
        for reason, count in output.dropped.items():
            dropped.add_metric((stream, str(number), output.kind, output.name, reason), count)
    yield dropped
    for kind, name, text, values in (
        (GaugeMetricFamily, "up", "1 while it is live", [o.status == "live" for _, _, o in outputs]),
        (GaugeMetricFamily, "lag_seconds", "Seconds of video that wait to be written", [o.lag for _, _, o in outputs]),
        (CounterMetricFamily, "packets", "Packets written", [o.packets for _, _, o in outputs]),
        (CounterMetricFamily, "bytes", "Bytes written", [o.bytes for _, _, o in outputs]),
        (CounterMetricFamily, "connects", "Number of times it was opened", [o.connects for _, _, o in outputs]),
    ):
        family = kind(f"uprez_output_{name}", text, labels=labels)
        for (stream, number, output), value in zip(outputs, values, strict=True):
            family.add_metric((stream, str(number), output.kind, output.name), value)
        yield family


def _gpu_metrics(gpus: tuple[GpuFigures, ...]) -> Iterator[Metric]:
    for name, text, values in (
        ("use_ratio", "Share of the last second in which it was busy", [gpu.use for gpu in gpus]),
        ("memory_bytes", "Memory in use by all processes", [gpu.memory for gpu in gpus]),
        ("memory_total_bytes", "Total memory", [gpu.memory_total for gpu in gpus]),
    ):
        family = GaugeMetricFamily(f"uprez_gpu_{name}", text, labels=("gpu", "name"))
        for number, (gpu, value) in enumerate(zip(gpus, values, strict=True)):
            family.add_metric((str(number), gpu.name), value)
        yield family

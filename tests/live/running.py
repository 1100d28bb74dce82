"""Live streams that run in this process; FFmpeg's test sources are the cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av

from pipeline.config.live_settings import LiveSettings
from pipeline.live.service import Live
from pipeline.live.stats import LiveFigures, StreamFigures

CAMERA = {"source": "testsrc2=size=64x48:rate=25", "format": "lavfi", "model": "identity"}


ENDING = CAMERA | {"source": "testsrc2=size=64x48:rate=25:duration=0.4"}


def settings(*streams: dict[str, Any], **common: Any) -> LiveSettings:
    return LiveSettings(streams=streams, **common)


def run_until(enough: Callable[[LiveFigures], bool], live: Live) -> LiveFigures:
    """Run `live` until its figures are `enough`, at most half a minute; the last figures."""
    reports: list[LiveFigures] = []
    watchdog = threading.Timer(30, live.stop)
    watchdog.start()

    def report(figures: LiveFigures) -> None:
        reports.append(figures)
        if enough(figures):
            live.stop()

    try:
        live.run(report)
    finally:
        watchdog.cancel()
        watchdog.join()
    assert enough(reports[-1]), reports[-1]
    return reports[-1]


def frame_times(file: Path) -> list[float]:
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        return [float((frame.pts or 0) * (stream.time_base or 0)) for frame in container.decode(stream)]


def all_counted(stream: StreamFigures) -> bool:
    return stream.frames_in == stream.frames_out + sum(stream.dropped.values())

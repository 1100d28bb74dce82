"""A substitute for running streams: figures and taps that a test fills."""

from __future__ import annotations

import numpy as np

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.live.preview import Tap
from pipeline.live.stats import Delay, GpuFigures, LiveFigures, OutputFigures, StreamFigures

BEFORE = FrameFormat(160, 90, PIXEL_FORMATS["yuv420p"], Colour(1, False))
AFTER = BEFORE.enlarged(2)
RED = (63, 102, 240)  # Y, Cb, Cr of BT.709, limited: R 255, G 0, B 0
BLUE = (32, 240, 118)


def stream(name: str = "yard", **others: object) -> StreamFigures:
    values: dict[str, object] = {
        "name": name,
        "source": "rtsp://camera.local/stream",
        "status": "live",
        "seconds": 754.0,
        "source_format": "160x90 yuv420p, h264, 25 fps",
        "result_format": "320x180 yuv420p, h264",
        "model": "clear-x2",
        "backend": "cpu",
        "rate_in": 25.0,
        "rate_out": 24.9,
        "frames_in": 18_850,
        "frames_out": 18_841,
        "dropped": {"too slow": 7, "catching up": 2},
        "waiting": 1,
        "most_waiting": 2,
        "delay": Delay(p50=0.021, p95=0.032, p99=0.047, frames=1500),
        "connects": 3,
        "faults": {"silence": 1, "refused": 1},
        "outputs": (OutputFigures(name="rtsp://server/yard", kind="rtsp", status="live", packets=9, bytes=81_000_000),),
    }
    return StreamFigures.model_validate({**values, **others})


def plain(format: FrameFormat, colour: tuple[int, int, int], pts: int) -> Frame:
    """A frame of one colour. colour: the value of each plane."""
    planes = tuple(np.full(shape, value, np.uint8) for shape, value in zip(format.plane_shapes, colour, strict=True))
    return Frame(format, planes, pts, 3600)


class StandIn:
    """A substitute for Live whose figures the test sets."""

    def __init__(self, *streams: StreamFigures) -> None:
        self.streams = streams
        self.taps = {each.name: Tap() for each in streams}

    def figures(self) -> LiveFigures:
        gpu = GpuFigures(name="NVIDIA H100", use=0.42, memory=3 * 2**30, memory_total=80 * 2**30)
        return LiveFigures(uptime=3725.0, memory=812_000_000, streams=self.streams, gpus=(gpu,))

    def show(self, name: str, pts: int) -> None:
        """Add a pair, red before and blue after, if one is requested."""
        self.taps[name].add_before(plain(BEFORE, RED, pts))
        self.taps[name].add_after(plain(AFTER, BLUE, pts))

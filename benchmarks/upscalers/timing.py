"""Rates of upscalers in the steady state, with frames discarded or encoded by x264."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import av

from pipeline import BenchmarkRow
from upscalers.case import Upscaler
from upscalers.clip import ahead

ENCODER: Final = "libx264"
OPTIONS = {"preset": "ultrafast", "crf": "20"}
_RATE = 24
_FILLING = 64  # frames that queues and x264 (lookahead 40) hold before the source has to wait
_LEAST_FRAMES = 6


def discarded(upscaler: Upscaler, seconds: float) -> BenchmarkRow:
    """From the input file to upscaled frames in main memory."""
    return _timed("discarded", upscaler.frames(), seconds)


def encoded(upscaler: Upscaler, target: Path, seconds: float) -> BenchmarkRow:
    """From the input file to `target`, timed at the encoder's input."""
    frames = upscaler.frames()
    return _timed("encoded", _encoding(upscaler, ahead(frames) if upscaler.threaded else frames, target), seconds)


def _timed(name: str, upscaled: Generator[Any, None, None], seconds: float) -> BenchmarkRow:
    _warm_up(upscaled, seconds)
    began = time.perf_counter()
    for frames, _ in enumerate(upscaled, 1):
        passed = time.perf_counter() - began
        if passed >= seconds and frames >= _LEAST_FRAMES:
            break
    upscaled.close()
    return BenchmarkRow(name=name, frames=frames, seconds=passed, rate=frames / passed)


def _warm_up(frames: Iterator[Any], seconds: float) -> None:
    """Skip the first frames: those that fill queues and the lookahead, or as many as come in `seconds`."""
    next(frames)
    end = time.perf_counter() + seconds
    for _ in itertools.islice(frames, _FILLING):
        if time.perf_counter() > end:
            return


def _encoding(upscaler: Upscaler, upscaled: Iterator[Any], target: Path) -> Generator[None, None, None]:
    with av.open(str(target), "w") as container:
        stream = None
        for index, item in enumerate(upscaled):
            yield
            frame = upscaler.to_av_frame(item)
            if stream is None:
                stream = container.add_stream(ENCODER, rate=_RATE, options=OPTIONS)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            frame.pts = index
            container.mux(stream.encode(frame))

"""How fast pictures come, in the steady state, discarded or on their way into x264."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import av

from pipeline.diagnostics.report import Row
from upscalers.case import Upscaler
from upscalers.clip import ahead

ENCODER: Final = "libx264"
OPTIONS = {"preset": "ultrafast", "crf": "20"}
_RATE = 24
_FILLING = 64  # frames that queues and x264 (lookahead 40) take in before they push back
_LEAST_FRAMES = 6


def discarded(upscaler: Upscaler, seconds: float) -> Row:
    """From the input file to finished pictures in host memory."""
    return _timed("discarded", upscaler.pictures(), seconds)


def encoded(upscaler: Upscaler, target: Path, seconds: float) -> Row:
    """From the input file to `target`, timed at the encoder's door."""
    pictures = upscaler.pictures()
    return _timed("encoded", _encoding(upscaler, ahead(pictures) if upscaler.threaded else pictures, target), seconds)


def _timed(name: str, pictures: Generator[Any, None, None], seconds: float) -> Row:
    _warm_up(pictures, seconds)
    began = time.perf_counter()
    for frames, _ in enumerate(pictures, 1):
        passed = time.perf_counter() - began
        if passed >= seconds and frames >= _LEAST_FRAMES:
            break
    pictures.close()
    return Row(name=name, frames=frames, seconds=passed, rate=frames / passed)


def _warm_up(pictures: Iterator[Any], seconds: float) -> None:
    """Let the first frames pass: what fills queues and the lookahead, or as many as come in `seconds`."""
    next(pictures)
    end = time.perf_counter() + seconds
    for _ in itertools.islice(pictures, _FILLING):
        if time.perf_counter() > end:
            return


def _encoding(upscaler: Upscaler, pictures: Iterator[Any], target: Path) -> Generator[None, None, None]:
    with av.open(str(target), "w") as container:
        stream = None
        for index, picture in enumerate(pictures):
            yield
            frame = upscaler.frame(picture)
            if stream is None:
                stream = container.add_stream(ENCODER, rate=_RATE, options=OPTIONS)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            frame.pts = index
            container.mux(stream.encode(frame))

"""Sends moving video in real time through FFmpeg until it is killed; started by sender.py.

It reconnects when its receiver disconnects, and exits when its standard input ends.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np

from tests.servers import barcode, program

_TICKS = 90_000
_RETRY_SECONDS = 0.2
_ENCODER = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
_AUDIO_RATE, _AUDIO_FRAME = 48_000, 1024


def main() -> None:
    settings = program.settings()
    while True:
        try:
            send(settings)
        except (OSError, av.FFmpegError) as error:
            print(type(error).__name__, flush=True)
            if not settings["again"]:
                sys.exit(1)
        time.sleep(_RETRY_SECONDS)


def send(settings: dict[str, Any]) -> None:
    """Sends until the receiver disconnects, or for `seconds`."""
    rate = Fraction(settings["rate"]).limit_denominator(1001)
    with av.open(settings["address"], "w", format=settings["format"], options=settings["options"]) as container:
        options = {**_ENCODER, "g": str(max(1, round(rate * settings["gop"])))}
        video: Any = container.add_stream(
            {"h264": "libx264", "h265": "libx265"}[settings["codec"]], rate=rate, options=options
        )
        video.width, video.height = settings["size"]
        video.pix_fmt = "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, _TICKS)
        audio: Any = container.add_stream("aac", rate=_AUDIO_RATE, layout="mono") if settings["audio"] else None
        began, samples = time.monotonic(), 0
        for index, luma in enumerate(moving_texture(*settings["size"])):
            due = began + float(index / rate)
            if settings["seconds"] and due - began >= settings["seconds"]:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            if settings["barcode"]:
                barcode.draw(luma, barcode.now())
            frame = _frame(luma)
            frame.pts, frame.time_base = round(index / rate * _TICKS), Fraction(1, _TICKS)
            container.mux(video.encode(frame))
            while audio and samples / _AUDIO_RATE <= due - began:
                container.mux(audio.encode(_tone(samples)))
                samples += _AUDIO_FRAME


def moving_texture(width: int, height: int) -> Iterator[np.ndarray[Any, Any]]:
    """Yields the luma of a moving texture; each array is the caller's to change."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 216, (height // 8 + 2, width // 8 + 2), np.uint8)
    texture = np.kron(coarse, np.ones((8, 8), np.uint8))
    texture = np.concatenate([texture, texture], axis=1)
    period = texture.shape[1] // 2
    index = 0
    while True:
        left = 2 * index % period
        yield texture[:height, left : left + width].copy()
        index += 1


def _frame(luma: np.ndarray[Any, Any]) -> av.VideoFrame:
    height, width = luma.shape
    packed = np.full((height * 3 // 2, width), 128, np.uint8)
    packed[:height] = luma
    return av.VideoFrame.from_ndarray(packed, format="yuv420p")


def _tone(at: int) -> av.AudioFrame:
    wave = 0.1 * np.sin(2 * np.pi * 440 * np.arange(at, at + _AUDIO_FRAME) / _AUDIO_RATE)
    frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
    frame.pts, frame.sample_rate, frame.time_base = at, _AUDIO_RATE, Fraction(1, _AUDIO_RATE)
    return frame


if __name__ == "__main__":
    main()

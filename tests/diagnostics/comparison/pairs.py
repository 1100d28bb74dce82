"""Writes small clips with an original of twice their size: a pattern that moves."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.config.settings import Settings

SIZE = (64, 48)  # of the small one
FRAMES = 6


def settings(**options: object) -> Settings:
    return Settings.load(None, backend="onnx", **options)


def write(
    path: Path,
    size: tuple[int, int] = SIZE,
    pts: list[int] | None = None,
    crf: int = 10,
    rate: Fraction = Fraction(25),
    shift: int = 0,
) -> Path:
    """Writes a clip of a moving pattern. pts: in milliseconds, default evenly at `rate` from 0."""
    pts = [round(1000 * index / rate) for index in range(FRAMES)] if pts is None else pts
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": str(crf)})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        for time in pts:
            frame = av.VideoFrame.from_ndarray(_pattern(size, time + shift), "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def _pattern(size: tuple[int, int], time: int) -> NDArray[np.uint8]:
    """Waves that depend on the time in milliseconds, and on the place as a share of the frame."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    return np.asarray(128 + 60 * np.sin(40 * x + time / 40) + 40 * np.sin(30 * y + 9 * x), np.uint8)

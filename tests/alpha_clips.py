"""Films of a disc that moves over nothing: opaque within, its edge soft, transparent without."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = Fraction(25)
FRAMES = 4
WIDTH, HEIGHT = 64, 48


def pictures(frames: int = FRAMES) -> Iterator[NDArray[np.uint8]]:
    """(rows, columns, R G B and alpha) of each frame."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    for index in range(frames):
        away = np.hypot(x - 20 - 6 * index, y - 24)
        alpha = np.clip((15 - away) / 4 + 0.5, 0, 1)
        yield np.dstack([x * 3, 128 + 60 * np.sin(y / 9), np.full_like(x, 70 + 20 * index), alpha * 255]).astype(
            np.uint8
        )


def make(
    path: Path, codec: str, pixel: str, options: dict[str, str] | None = None, tags: dict[str, str] | None = None
) -> Path:
    """Write the film. tags: of its stream."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel
        stream.metadata.update(tags or {})
        for index, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format=pixel, threads=1)
            frame.pts, frame.time_base = index, 1 / RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def alphas(path: Path) -> list[NDArray[np.uint8]]:
    """The alpha of each frame, 0 to 255, by FFmpeg alone."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        beside = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
        decoder = av.CodecContext.create(beside, "r") if beside else stream.codec_context
        return [_alpha(frame) for packet in container.demux(stream) for frame in decoder.decode(packet)]


def _alpha(frame: av.VideoFrame) -> NDArray[np.uint8]:
    plane = frame.reformat(format="gbrap", threads=1).planes[3]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]

"""Makes clips of a moving opaque disc with a soft edge, transparent elsewhere."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = Fraction(25)
FRAMES = 4
WIDTH, HEIGHT = 64, 48


def frames(count: int = FRAMES) -> Iterator[NDArray[np.uint8]]:
    """Yields the samples of each frame, (rows, columns, RGBA)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    for index in range(count):
        away = np.hypot(x - 20 - 6 * index, y - 24)
        alpha = np.clip((15 - away) / 4 + 0.5, 0, 1)
        yield np.dstack([x * 3, 128 + 60 * np.sin(y / 9), np.full_like(x, 70 + 20 * index), alpha * 255]).astype(
            np.uint8
        )


def make(
    path: Path, codec: str, pixel: str, options: dict[str, str] | None = None, tags: dict[str, str] | None = None
) -> Path:
    """Writes the clip. tags: of its stream."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=RATE, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel
        stream.metadata.update(tags or {})
        for index, samples in enumerate(frames()):
            frame = av.VideoFrame.from_ndarray(samples, format="rgba").reformat(format=pixel, threads=1)
            frame.pts, frame.time_base = index, 1 / RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def alphas(path: Path) -> list[NDArray[np.uint8]]:
    """Returns the alpha of each frame, 0 to 255, decoded by FFmpeg."""
    with av.open(str(path)) as container:
        stream: Any = container.streams.video[0]
        with_alpha = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
        decoder: Any = av.CodecContext.create(with_alpha, "r") if with_alpha else stream.codec_context
        return [_alpha(frame) for packet in container.demux(stream) for frame in decoder.decode(packet)]


def _alpha(frame: av.VideoFrame) -> NDArray[np.uint8]:
    plane: Any = frame.reformat(format="gbrap", threads=1).planes[3]
    return np.asarray(np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width])

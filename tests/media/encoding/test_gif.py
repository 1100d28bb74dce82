"""GifEncoder keeps transparency, and colours within what 256 of them in a frame allow."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import pipeline

SIZE = WIDTH, HEIGHT = 48, 32


def _disc(index: int) -> NDArray[np.uint8]:
    """A disc that moves on a transparent background: RGBA."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    opaque = (x - 12 - 4 * index) ** 2 + (y - 16) ** 2 < 90
    return np.dstack([np.full_like(x, 200), x * 3, y * 5, 255 * opaque]).astype(np.uint8)


def _write(path: Path, pixel: str) -> Path:
    with av.open(str(path), "w", format="apng") as container:
        stream: Any = container.add_stream("apng", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(_disc(index)[..., : len(pixel.removesuffix("24"))], format=pixel)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("pixel", ["rgba", "rgb24"])
def test_transparent_pixels_stay_transparent_in_a_gif(tmp_path: Path, pixel: str) -> None:
    result = pipeline.upscale(_write(tmp_path / "in.apng", pixel), tmp_path / "out.gif", model="identity")
    with av.open(str(result.path)) as container:
        frames = [frame.reformat(format="rgba", threads=1).to_ndarray() for frame in container.decode(video=0)]
    assert len(frames) == 5
    for index, frame in enumerate(frames):
        expected = _disc(index)[..., 3] if pixel == "rgba" else np.full((HEIGHT, WIDTH), 255)
        np.testing.assert_array_equal(frame[..., 3], expected)
        opaque = frame[..., 3] == 255
        assert np.abs(frame[opaque, :3].astype(int) - _disc(index)[opaque, :3]).max() < 24  # dithered

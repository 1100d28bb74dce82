"""A generated clip for measurements."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.colour.resample import bicubic
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_spec import Role

PATTERN_DESCRIPTION = "drifting texture with grain, h264 with B-frames"
"""What reports call a clip of `write_pattern`."""

_FRAMES = 240
_MARGIN = 64  # pixels that the pattern drifts, each way
_OCTAVES = ((80, 40.0), (16, 20.0), (4, 10.0))  # period in pixels, amplitude in levels


def write_pattern(path: str | Path, width: int, height: int, *, frames: int = _FRAMES) -> Path:
    """Write a clip of soft, drifting texture with grain: x264 with B-frames, 24 frames/s, 8-bit 4:2:0, BT.709.

    Args:
        path: The file to write, such as clip.mp4.
        width: Even, in pixels.
        height: Even, in pixels.
        frames: Number of frames.

    Returns:
        The path of the file.
    """
    luma = _texture(height + _MARGIN, width + _MARGIN)
    with av.open(str(path), "w") as container:
        options = {"crf": "23", "preset": "fast"}
        stream = container.add_stream(encoder_for(Role.COMPATIBLE).name, rate=24, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.colorspace = stream.codec_context.color_primaries = stream.codec_context.color_trc = 1
        for index in range(frames):
            x, y = abs(index % (2 * _MARGIN) - _MARGIN), abs(index // 2 % (2 * _MARGIN) - _MARGIN)
            samples = np.empty((height * 3 // 2, width), np.uint8)
            samples[:height] = luma[y : y + height, x : x + width]
            samples[height:] = luma[y : y + height // 2, x : x + width] // 4 + 96
            frame = av.VideoFrame.from_ndarray(samples, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Path(path)


def _texture(height: int, width: int) -> NDArray[np.uint8]:
    """Luma of the pattern, limited range; the same at each call."""
    rng = np.random.default_rng(0)
    shapes = sum(
        bicubic(rng.standard_normal((height // period + 4, width // period + 4)).astype(np.float32), height, width)
        * amplitude
        for period, amplitude in _OCTAVES
    )
    grain = rng.standard_normal((height, width)).astype(np.float32)
    return np.clip(128 + np.asarray(shapes) + grain, 16, 235).astype(np.uint8)

"""A clip to measure on, made on the spot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from pipeline.colour.resample import bicubic
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_spec import Role

_FRAMES = 240


def write_pattern(path: Path, width: int, height: int, *, frames: int = _FRAMES) -> Path:
    """A clip to measure on: soft texture with grain that drifts, x264 with B-frames, BT.709."""
    rng = np.random.default_rng(0)
    margin = 64
    tall, wide = height + margin, width + margin
    shape = sum(
        bicubic(rng.standard_normal((tall // step + 4, wide // step + 4)).astype(np.float32), tall, wide) * gain
        for step, gain in ((80, 40.0), (16, 20.0), (4, 10.0))
    )
    grain = rng.standard_normal((tall, wide)).astype(np.float32)
    luma = np.clip(128 + np.asarray(shape) + grain, 16, 235).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            encoder_for(Role.COMPATIBLE).name, rate=24, options={"crf": "23", "preset": "fast"}
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.colorspace = stream.codec_context.color_primaries = stream.codec_context.color_trc = 1
        for index in range(frames):
            x, y = abs(index % (2 * margin) - margin), abs(index // 2 % (2 * margin) - margin)
            picture = np.empty((height * 3 // 2, width), np.uint8)
            picture[:height] = luma[y : y + height, x : x + width]
            picture[height:] = luma[y : y + height // 2, x : x + width] // 4 + 96
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path

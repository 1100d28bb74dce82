"""Renders the project's own sample clip: `python samples/render.py` writes samples/clip.mp4."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scene import FRAMES, HEIGHT, RATE, SHRINK, WIDTH, originals

from pipeline.colour.convert import from_rgb
from pipeline.colour.resample import bicubic
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat

AUDIO_RATE = 48_000
CHORD_HZ = (220.0, 330.0)
TITLE = "uprez sample clip"

BT709, LIMITED = 1, 1  # the code points of H.273, and FFmpeg's number of the limited range
X264 = {"crf": "10", "preset": "slow", "bf": "3"}


def shrunk(original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An original, (H, W, 3) uint8 RGB, as the clip holds it: SHRINK times smaller each way."""
    small = bicubic(original.astype(np.float64), HEIGHT // SHRINK, WIDTH // SHRINK)
    return small.round().clip(0, 255).astype(np.uint8)


def packed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB as the planes of yuv420p, BT.709, one below the other: (H * 3 / 2, W)."""
    format = FrameFormat(picture.shape[1], picture.shape[0], PIXEL_FORMATS["yuv420p"], Colour(BT709, full_range=False))
    samples = np.empty(format.bytes, np.uint8)
    from_rgb(picture.transpose(2, 0, 1) / 255, format, format.split(samples))
    return samples.reshape(-1, format.width)


def _chord() -> NDArray[np.float32]:
    """The sound, (1, samples) float32 in -1 to 1, as long as the picture, fading in and out."""
    seconds = np.arange(AUDIO_RATE * FRAMES // RATE) / AUDIO_RATE
    fade = np.minimum(seconds, seconds[::-1]).clip(0, 0.4) / 0.4
    tones = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in CHORD_HZ)
    return np.asarray(0.06 * tones * np.sin(fade * np.pi / 2) ** 2, np.float32)[None]


def write(path: Path) -> None:
    """Render the clip, picture and sound, to the MP4 file `path`."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = TITLE
        video = container.add_stream("libx264", RATE, options=X264)
        video.width, video.height, video.pix_fmt = WIDTH // SHRINK, HEIGHT // SHRINK, "yuv420p"
        context = video.codec_context
        context.sample_aspect_ratio = Fraction(1)
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
        context.thread_count = 1  # the same file on every machine
        audio = container.add_stream("aac", AUDIO_RATE, layout="mono")
        for index, original in enumerate(originals()):
            picture = av.VideoFrame.from_ndarray(packed(shrunk(original)), "yuv420p")
            picture.pts = index
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(_chord(), "fltp", "mono")
        sound.sample_rate, sound.pts = AUDIO_RATE, 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    write(Path(__file__).with_name("clip.mp4"))

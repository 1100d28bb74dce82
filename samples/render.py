"""Render the sample clip: `python samples/render.py` writes samples/clip.mp4.

The scene is the same each time, its samples are not: rounding depends on the processor and on the versions of OpenCV,
NumPy and x264, before the encoder too. They may differ by some levels from those of the clip in the repository.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scene import FRAMES, HEIGHT, RATE, SHRINK, WIDTH, originals

import pipeline

AUDIO_RATE = 48_000
CHORD_HZ = (220.0, 330.0)
TITLE = "uprez sample clip"

BT709, LIMITED = 1, 1  # the code points of H.273, and FFmpeg's number of the limited range
X264 = {"crf": "10", "preset": "slow", "bf": "3"}


def shrunk(original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An original, (H, W, 3) uint8 RGB, at the clip's size: SHRINK times smaller each way."""
    small = pipeline.bicubic(original.astype(np.float64), HEIGHT // SHRINK, WIDTH // SHRINK)
    return small.round().clip(0, 255).astype(np.uint8)


def packed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB as the planes of yuv420p, BT.709, one below the other: (H * 3 / 2, W)."""
    colour = pipeline.Colour(BT709, full_range=False)
    format = pipeline.FrameFormat(image.shape[1], image.shape[0], pipeline.PIXEL_FORMATS["yuv420p"], colour)
    samples = np.empty(format.bytes, np.uint8)
    pipeline.from_rgb(image.transpose(2, 0, 1) / 255, format, format.split(samples))
    return samples.reshape(-1, format.width)


def _chord() -> NDArray[np.float32]:
    """The audio, (1, samples) float32 in -1 to 1, as long as the video, fading in and out."""
    seconds = np.arange(AUDIO_RATE * FRAMES // RATE) / AUDIO_RATE
    fade = np.minimum(seconds, seconds[::-1]).clip(0, 0.4) / 0.4
    tones = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in CHORD_HZ)
    return np.asarray(0.06 * tones * np.sin(fade * np.pi / 2) ** 2, np.float32)[None]


def write(path: Path) -> None:
    """Render the clip, video and audio, to the MP4 file `path`."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = TITLE
        video = container.add_stream("libx264", RATE, options=X264)
        video.width, video.height, video.pix_fmt = WIDTH // SHRINK, HEIGHT // SHRINK, "yuv420p"
        context = video.codec_context
        context.sample_aspect_ratio = Fraction(1)
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
        context.thread_count = 1
        audio = container.add_stream("aac", AUDIO_RATE, layout="mono")
        for index, original in enumerate(originals()):
            frame = av.VideoFrame.from_ndarray(packed(shrunk(original)), "yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        chord = av.AudioFrame.from_ndarray(_chord(), "fltp", "mono")
        chord.sample_rate, chord.pts = AUDIO_RATE, 0
        container.mux(audio.encode(chord))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    write(Path(__file__).with_name("clip.mp4"))

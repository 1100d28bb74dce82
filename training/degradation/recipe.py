"""What is done to a clip: motion, reduction, blur, noise, sharpening, codec."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator


@dataclass(frozen=True)
class Motion:
    """The way of the camera over a picture; lengths are pixels of the large frames.

    Attributes:
        velocity: (x, y) a frame.
        zoom: Relative growth of the visible part a frame.
        frames: Length of the clip.
        target: Index of the frame that is used, whose pixels are those of the picture.
    """

    velocity: tuple[float, float] = (0.0, 0.0)
    zoom: float = 0.0
    frames: int = 7
    target: int = 3


@dataclass(frozen=True)
class Encoding:
    """A codec with its settings.

    Attributes:
        codec: FFmpeg's name of the encoder; None: the frames are not encoded.
        quality: `crf`, or the quantiser of MPEG-2: higher is worse.
        preset: The encoder's preset; empty for MPEG-2.
    """

    codec: str | None = None
    quality: int = 0
    preset: str = ""


@dataclass(frozen=True)
class Degradation:
    """All that happens to a clip between the large frames and the decoded small ones, in this order.

    Attributes:
        motion: How the camera moves.
        matrix: H.273 code of the matrix coefficients: 1 is BT.709, 6 is BT.601.
        resampler: FFmpeg's name of the filter that halves the frames.
        blur: Sigma of a Gaussian on luma, in small pixels.
        noise: Standard deviation on luma, in 8-bit levels; chroma has half of it.
        grain: Sigma of a Gaussian that correlates the noise, as film does, in small pixels; 0 is white.
        sharpening: Gain of an unsharp mask on luma, which leaves halos as on DVDs.
        radius: Sigma of that mask, in small pixels.
        encoding: Codec.
    """

    motion: Motion = Motion()
    matrix: int = 1
    resampler: str = "BICUBIC"
    blur: float = 0.0
    noise: float = 0.0
    grain: float = 0.0
    sharpening: float = 0.0
    radius: float = 1.0
    encoding: Encoding = Encoding()


def random_degradation(generator: Generator) -> Degradation:
    """A degradation as real video has it; most often swscale's bicubic filter and x264 as at crf 18 to 28 alone.

    One clip in twenty is not encoded, so that a network stays good at clean video.
    """
    is_grainy, is_sharpened = generator.uniform(size=2) < (0.15, 0.12)
    return Degradation(
        motion=_random_motion(generator),
        matrix=int(generator.choice([1, 6])),
        resampler=str(_pick(generator, BICUBIC=56, AREA=14, LANCZOS=12, BILINEAR=10, SPLINE=4, GAUSS=4)),
        blur=float(generator.uniform(0.3, 0.8)) if generator.uniform() < 0.12 else 0.0,
        noise=float(generator.uniform(0.7, 5)) if is_grainy else 0.0,
        grain=float(generator.choice([0.0, generator.uniform(0.5, 1.0)])),
        sharpening=float(generator.uniform(0.3, 1.4)) if is_sharpened else 0.0,
        radius=float(generator.uniform(0.7, 1.6)),
        encoding=_random_encoding(generator),
    )


def _random_motion(generator: Generator) -> Motion:
    speed = _pick(generator, **{"0": 15, "0.7": 30, "3": 35, "10": 20})
    x, y = generator.normal(0, float(speed), 2)
    frames = int(generator.integers(5, 10))
    zoom = float(generator.normal(0, 0.004)) if generator.uniform() < 0.3 else 0.0
    return Motion((float(x), float(y)), zoom, frames, int(generator.integers(2, frames - 1)))


def _random_encoding(generator: Generator) -> Encoding:
    """A codec with its quality.

    In a short clip, the macroblock tree sees few frames that depend on the target: frames amid 5, 7, 9 and 15 frames
    are 1.9, 1.6, 1.1 and 0.9 dB worse than amid 60 at one crf (x264, crf 23 and 30), and 1.6 dB are 2.4 steps of crf.
    So the crf of the clips is 2 lower than that of the videos that they stand for.
    """
    codec = _pick(generator, libx264=64, libx265=13, libsvtav1=9, mpeg2video=9, none=5)
    if codec == "libx264":
        ranges = {"light": (16, 27), "middle": (24, 30), "strong": (29, 35)}
        low, high = ranges[_pick(generator, light=65, middle=22, strong=13)]
        preset = _pick(generator, medium=50, slow=12, fast=12, veryfast=14, superfast=7, ultrafast=5)
        return Encoding(codec, int(generator.integers(low, high)), preset)
    if codec == "libx265":
        return Encoding(codec, int(generator.integers(16, 35)), _pick(generator, medium=40, fast=40, ultrafast=20))
    if codec == "libsvtav1":
        return Encoding(codec, int(generator.integers(18, 54)), _pick(generator, **{"6": 2, "8": 5, "10": 3}))
    if codec == "mpeg2video":
        return Encoding(codec, int(generator.integers(2, 13)))
    return Encoding()


def _pick(generator: Generator, **weights: float) -> str:
    """A name, by weight."""
    total = sum(weights.values())
    return str(generator.choice(list(weights), p=[weight / total for weight in weights.values()]))

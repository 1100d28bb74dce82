"""PSNR of networks on Set5 and on a clip that x264 compressed.

The protocol is that of training/evaluate.py: images are cropped to a multiple of the scale, reduced by antialiased
bicubic (a = -0.5), rounded to 8 bit, and enlarged again. PSNR is that of luma, BT.601 in limited range, without a
border of as many pixels as the scale. Networks run in fp32 on the CPU; their outputs are limited to 0..1, and not
rounded to 8 bit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from networks.report import Quality
from pipeline import (
    PIXEL_FORMATS,
    Colour,
    FrameFormat,
    InputError,
    Upscaler,
    bicubic,
    from_rgb,
    luma,
    probe,
    psnr,
    psnr_of_error,
    read_rgb,
    to_8_bit,
)

Rgb = NDArray[np.uint8]  # (H, W, 3)
Light = NDArray[np.float64]  # (H, W, 3), R'G'B' in 0..1
Enlarge = Callable[[Rgb], Light]

BT709 = 1  # H.273's code
WHITE_16 = 65535
LOOKAHEAD = 25  # frames that the encoder gets after the last one that is compared
SUFFIXES = (".png", ".bmp", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Pair:
    """A frame, and a smaller or damaged version of it.

    Attributes:
        original: (scale H, scale W, 3).
        small: (H, W, 3).
    """

    original: Rgb
    small: Rgb


def read_images(folder: Path) -> dict[str, Rgb]:
    """The images of a folder by name. Raises InputError if there are none."""
    images = {}
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in SUFFIXES:
            decoded = cv2.imread(str(path))
            if decoded is None:
                raise InputError(f"--set5: {path} is not an image")
            images[path.name] = np.asarray(decoded[..., ::-1], np.uint8)
    if not images:
        raise InputError(f"--set5 {folder}: there are no images ({', '.join(SUFFIXES)})")
    return images


def reduced(original: Rgb, scale: int) -> Pair:
    """The image cropped to a multiple of the scale, and divided by it."""
    height, width = (length // scale for length in original.shape[:2])
    cropped = original[: height * scale, : width * scale]
    return Pair(cropped, to_8_bit(bicubic(cropped.astype(np.float64), height, width)))


def compressed(clip: Path, numbers: Sequence[int], scale: int, crf: int) -> list[Pair]:
    """Frames of a clip that was reduced, encoded as H.264 in 4:2:0, and decoded.

    Args:
        clip: The original.
        numbers: Numbers of the frames, from 0.
        scale: Factor by which they are reduced.
        crf: Of libx264.

    Raises:
        InputError: The clip can't be read, or has no such frames.
    """
    originals: dict[int, Rgb] = {}

    def small_frames() -> Iterator[Rgb]:
        for number, frame in enumerate(islice(read_rgb(clip), max(numbers) + 1 + LOOKAHEAD)):
            pair = reduced(frame, scale)
            if number in numbers:
                originals[number] = pair.original
            yield pair.small

    with tempfile.TemporaryDirectory(prefix="uprez-models-") as folder:
        path = Path(folder) / "small.mp4"
        encode(small_frames(), path, probe(clip).video.rate, crf)
        decoded = dict(enumerate(islice(read_rgb(path), max(numbers) + 1)))
    if lacking := set(numbers) - originals.keys():
        raise InputError(f"{clip} has no frame {min(lacking)}: choose other --frames")
    return [Pair(originals[number], decoded[number]) for number in numbers]


def encode(frames: Iterable[Rgb], path: Path, rate: Fraction, crf: int) -> None:
    """Write frames of an even size as H.264, 4:2:0, BT.709, by libx264 at its default preset, medium."""
    with av.open(str(path), "w") as container:
        # One thread: the bits depend on their number.
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf), "threads": "1"})
        context = stream.codec_context
        for image in frames:
            if not context.is_open:
                context.height, context.width, _ = image.shape
                context.pix_fmt = "yuv420p"
                context.colorspace = context.color_primaries = context.color_trc = BT709
            container.mux(stream.encode(coded_frame(image)))
        container.mux(stream.encode())


def coded_frame(image: Rgb) -> av.VideoFrame:
    """An image of an even size in 4:2:0, limited range, BT.709."""
    height, width, _ = image.shape
    format = FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(BT709, False, BT709, BT709))
    samples = np.empty(format.bytes, np.uint8)
    from_rgb(image.transpose(2, 0, 1) / 255, format, format.split(samples))
    return av.VideoFrame.from_ndarray(samples.reshape(height * 3 // 2, width), "yuv420p")


def measured(enlarge: Enlarge, images: Sequence[Pair], frames: Sequence[Pair], scale: int) -> Quality:
    """The quality of a network or of bicubic.

    Args:
        enlarge: The network.
        images: Those of Set5; empty if they are not measured.
        frames: Those of the clip; empty if they are not measured.
        scale: Factor by which it enlarges.
    """
    images = images if scale > 1 else []
    decibels = [psnr(luma(enlarge(pair.small), peak=1), luma(pair.original), border=scale) for pair in images]
    errors = [squared_error(enlarge(pair.small), pair.original, scale) for pair in frames]
    return Quality(
        set5=float(np.mean(decibels)) if decibels else None,
        clip=psnr_of_error(float(np.mean(errors))) if errors else None,
    )


def squared_error(enlarged: Light, original: Rgb, border: int) -> float:
    """Mean squared error of luma without the border, in levels of 8 bit."""
    inner = (slice(border, -border),) * 2
    difference = luma(enlarged, peak=1)[inner] - luma(original)[inner]
    return float(np.mean(difference**2))


def bicubic_enlarger(scale: int) -> Enlarge:
    """Bicubic resampling in place of a network; for a scale of 1, the image as it is."""

    def enlarge(image: Rgb) -> Light:
        height, width, _ = image.shape
        return np.asarray(bicubic(image / 255, height * scale, width * scale).clip(0, 1))

    return enlarge


def network_enlarger(upscaler: Upscaler) -> Enlarge:
    """A network: its images have 16 bits, so that nothing is rounded to 8."""

    def enlarge(image: Rgb) -> Light:
        return np.asarray(upscaler(image.astype(np.uint16) * (WHITE_16 // 255)) / WHITE_16)

    return enlarge

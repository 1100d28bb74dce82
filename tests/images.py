"""Makes images: numbered ones, flat but for one corner, of the level `clips.shade(number)`; and random ones."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.media.reading.image_sequence import ImageSequence
from pipeline.media.reading.image_source import ImageSource
from tests.clips import shade

Image = NDArray[np.uint8] | NDArray[np.uint16]

_CODECS = {".png": "png", ".jpg": "mjpeg", ".tif": "tiff", ".bmp": "bmp", ".webp": "libwebp"}


def samples(number: int, size: tuple[int, int] = (32, 24), deep: bool = False) -> Image:
    """Returns image `number`, (rows, columns, RGB), 8 or 16 bit."""
    width, height = size
    image = np.full((height, width, 3), shade(number) * (257 if deep else 1), np.uint16 if deep else np.uint8)
    image[:4, :4] = np.arange(48).reshape(4, 4, 3) * (1201 if deep else 5)
    return image


def random_image(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    """Returns an array of integers from all values of `dtype`, the same for each `seed`."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def write(path: Path, image: Image, format: str | None = None) -> Path:
    """Saves `image`, in FFmpeg's `format` or the encoder's own RGB."""
    deep = image.dtype == np.uint16
    frame = av.VideoFrame.from_ndarray(image, format="rgb48le" if deep else "rgb24")
    codec = _CODECS[path.suffix]
    formats = {"png": "rgb48be" if deep else "rgb24", "mjpeg": "yuvj444p", "bmp": "bgr24", "libwebp": "bgra"}
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.time_base = frame.width, frame.height, Fraction(1, 25)
    context.pix_fmt = format or formats.get(codec, "rgb48le" if deep else "rgb24")
    context.options = {"lossless": "1"} if codec == "libwebp" and format is None else {}
    coded = frame.reformat(format=context.pix_fmt, dst_colorspace=5, dst_color_range=2)
    coded.pts = 0
    path.write_bytes(b"".join(bytes(packet) for packet in (*context.encode(coded), *context.encode(None))))
    return path


def sequence(folder: Path, numbers: list[int], name: str = "%03d.png", deep: bool = False) -> Path:
    """Writes an image for each number, and returns the pattern of their names."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        write(folder / (name % number), samples(number, deep=deep))
    return folder / name


def read(path: Path) -> Image:
    """Returns the samples of an image, RGB."""
    with ImageSource(ImageSequence(path, {1: path})) as source:
        context = source.video.codec_context
        (frame,) = [f for packet in [*source, None] for f in context.decode(packet)]
    deep = frame.format.components[0].bits > 8
    rgb: Any = frame.reformat(format="rgb48le" if deep else "rgb24").to_ndarray()
    return np.asarray(rgb)

"""Frames of a video as RGB, and images that compare them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.convert import to_rgb
from pipeline.errors import OutputError
from pipeline.frame import Frame
from pipeline.media.decoding.decoder import decode_frames
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe

_CAPTION_ROWS, _GAP_COLUMNS = 26, 2
_BACKGROUND, _TEXT = 24, (235, 235, 235)


def read_frames(path: str | Path) -> Iterator[Frame]:
    """The frames of a video in order, decoded in software as they are: with its own size, format and times.

    Raises:
        InputError: The file can't be read.
        SettingsError: `path` is the address of a network stream.
    """
    format = probe(path).video.format
    with FileSource(Path(path)) as source:
        yield from decode_frames(source, format)


def read_rgb(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video in order, as arrays (H, W, 3) of uint8, RGB, 0 to 255, by the video's own matrix and range.

    Raises:
        InputError: The file can't be read.
        SettingsError: `path` is the address of a network stream.
    """
    for frame in read_frames(path):
        yield to_8_bit(frame_image(frame))


def frame_image(frame: Frame) -> NDArray[np.float32]:
    """A frame as an image, (H, W, 3), RGB, 0 to 255 but not clamped, by its own matrix and range; without its alpha."""
    rgb = np.empty((3, frame.format.height, frame.format.width), np.float32)
    to_rgb(frame.planes, frame.format, rgb, 255)
    return rgb.transpose(1, 2, 0)


def to_8_bit(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Round and clamp an array of floats, 0 to 255, to uint8."""
    return np.asarray(np.clip(np.rint(image), 0, 255).astype(np.uint8))


def side_by_side(images: Sequence[tuple[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Join images of one size from left to right, each below its name.

    Args:
        images: Name and image, (H, W, 3) of uint8, RGB.

    Returns:
        One image, (H + 26, …, 3) of uint8, RGB.
    """
    import cv2

    columns = []
    for name, image in images:
        caption = np.full((_CAPTION_ROWS, image.shape[1], 3), _BACKGROUND, np.uint8)
        cv2.putText(caption, name, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
        gap = np.full((image.shape[0] + _CAPTION_ROWS, _GAP_COLUMNS, 3), _BACKGROUND, np.uint8)
        columns += [np.vstack([caption, image]), gap]
    return np.hstack(columns[:-1])


def save_png(path: str | Path, image: NDArray[np.uint8]) -> None:
    """Write an image as PNG.

    Args:
        path: The file to write; an existing one is replaced.
        image: (H, W, 3) of uint8, RGB.

    Raises:
        OutputError: It can't be written.
    """
    try:
        Path(path).write_bytes(encode_png(image))
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from error


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an image, (H, W, 3) of uint8, RGB, as PNG. Raises OutputError if that fails."""
    import cv2

    encoded, data = cv2.imencode(".png", image[..., ::-1])
    if not encoded:
        raise OutputError("the image can't be encoded as PNG")
    return data.tobytes()

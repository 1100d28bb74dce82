"""How good a picture is: PSNR against an original, and a picture that shows before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.convert import to_rgb
from pipeline.errors import OutputError
from pipeline.media.decoding.decoder import decode_frames
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe

_BAR, _RULE = 26, 2


def pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video in order, as (H, W, 3) RGB of 8 bit."""
    format = probe(path).video.format
    rgb = np.empty((3, format.height, format.width), np.float32)
    with FileSource(path) as source:
        for frame in decode_frames(source, format):
            to_rgb(frame.planes, format, rgb, 255)
            yield to_8_bit(rgb.transpose(1, 2, 0))


def to_8_bit(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Round and clamp a float picture of 0..255."""
    return np.asarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))


def side_by_side(pictures: Sequence[tuple[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Pictures of one size beside each other, each under its name: one (H, W, 3) RGB picture."""
    import cv2

    columns = []
    for name, picture in pictures:
        bar = np.full((_BAR, picture.shape[1], 3), 24, np.uint8)
        cv2.putText(bar, name, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
        columns += [np.vstack([bar, picture]), np.full((picture.shape[0] + _BAR, _RULE, 3), 24, np.uint8)]
    return np.hstack(columns[:-1])


def save_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write an (H, W, 3) RGB picture. Raises OutputError."""
    import cv2

    encoded, data = cv2.imencode(".png", picture[..., ::-1])
    if not encoded:
        raise OutputError(f"{path}: the picture could not be encoded")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from error

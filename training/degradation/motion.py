"""Clips of a picture over which a camera moves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.resample import resample_axis
from training.degradation.recipe import Motion


def moving_crop(
    picture: NDArray[np.uint8], corner: tuple[int, int], size: tuple[int, int], motion: Motion
) -> Iterator[NDArray[np.float32]]:
    """The frames of a camera that moves over a picture at constant speed, resampled at fractions of a pixel.

    Beyond the picture's border its edge is repeated.

    Args:
        picture: R'G'B', (H, W, 3) uint8.
        corner: (y, x) of the target frame in the picture.
        size: Height and width of the frames.
        motion: The way; at `motion.target` the frame is a part of the picture as it is.

    Yields:
        Each frame, (3, height, width), levels 0 to 255.
    """
    farthest = max(motion.target, motion.frames - 1 - motion.target)
    # Room for the pan, the zoom and the kernel of bicubic interpolation.
    margin = [
        int(np.ceil(farthest * (abs(speed) + abs(motion.zoom) * side / 2))) + 3
        for speed, side in zip(motion.velocity[::-1], size, strict=True)
    ]
    rows, columns = (
        np.clip(np.arange(start - room, start + side + room), 0, length - 1)
        for start, side, room, length in zip(corner, size, margin, picture.shape[:2], strict=True)
    )
    region = np.ascontiguousarray(picture[rows[:, None], columns].transpose(2, 0, 1), np.float32)
    height, width = size
    for number in range(motion.frames):
        time = number - motion.target
        ratio = 1 + motion.zoom * time
        x, y = (speed * time for speed in motion.velocity)
        # The zoom is about the middle of the frame.
        top, left = (
            room + shift + side * (1 - ratio) / 2 for room, shift, side in zip(margin, (y, x), size, strict=True)
        )
        whole = int(top) - 2, int(left) - 2
        if ratio == 1 and top == int(top) and left == int(left):
            yield region[:, int(top) : int(top) + height, int(left) : int(left) + width]
            continue
        part = region[:, max(0, whole[0]) :, max(0, whole[1]) :]
        moved = resample_axis(part, height, 1, ratio, top - max(0, whole[0]))
        yield np.asarray(resample_axis(moved, width, 2, ratio, left - max(0, whole[1])), np.float32)

"""Pictures for tests of training: textured, each seed another scene."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def scene(seed: int, size: tuple[int, int] = (480, 640)) -> NDArray[np.uint8]:
    """Random rectangles on a gradient, (H, W, 3) uint8."""
    generator = np.random.default_rng(seed)
    height, width = size
    image = np.broadcast_to(np.linspace(40, 200, width)[None, :, None], (height, width, 3)).astype(np.uint8).copy()
    for _ in range(400):
        x, y = int(generator.integers(width)), int(generator.integers(height))
        w, h = generator.integers(4, 60, 2)
        colour = tuple(int(level) for level in generator.integers(0, 256, 3))
        cv2.rectangle(image, (x, y), (x + int(w), y + int(h)), colour, -1)
    return image


def save(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image, (H, W, 3) uint8 RGB, in the format of the suffix."""
    assert cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))

"""Reading and halving images. No torch: `evaluate` runs without it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

try:
    import cv2
except ImportError:  # Pillow, which torchvision requires, is used instead
    cv2 = None  # type: ignore[assignment]

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def list_images(folder: Path) -> list[Path]:
    """Paths of the images in `folder`, sorted by name, so that a seed has the same meaning everywhere."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise FileNotFoundError(f"no images in {folder}")
    return paths


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read an image as (H, W, 3) uint8 RGB."""
    return decode_rgb(path.read_bytes(), str(path))


def decode_rgb(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode an image file as (H, W, 3) uint8 RGB; `name` is for the message of an error."""
    if cv2 is None:
        from PIL import Image

        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{name} is not an image that OpenCV can read")
    return np.ascontiguousarray(image[..., ::-1])


def halve(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve an image, (H, W, 3) uint8, to (H // 2, W // 2, 3): the rounded mean of each 2x2 box."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    even = image[:height, :width].astype(np.uint16)
    boxes = even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]
    return ((boxes + 2) >> 2).astype(np.uint8)

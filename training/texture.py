"""How much texture an image has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def texture(image: NDArray[np.uint8]) -> float:
    """Mean magnitude of the Laplacian of the mean of R, G and B of an image, (H, W, 3) uint8, in 8-bit levels."""
    grey = image.astype(np.float32).mean(axis=2)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.abs(around - 4 * grey[1:-1, 1:-1]).mean())

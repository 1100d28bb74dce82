"""Random shapes and fields from which drawings are made."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray


def spline(points: ArrayLike, closed: bool, steps: int = 12) -> NDArray[np.float64]:
    """A smooth curve through points, (N, 2), with `steps` points each (Catmull and Rom, 1974)."""
    points = np.asarray(points, np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = p1 + t * (p2 - p0) / 2 + t**2 * (p0 - 2.5 * p1 + 2 * p2 - p3 / 2) + t**3 * (-p0 + 3 * p1 - 3 * p2 + p3) / 2
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, points[-1:]])


def blob(
    generator: Generator, centre: ArrayLike, radius: float, corners: int = 8, rough: float = 0.3
) -> NDArray[np.float64]:
    """A closed smooth shape, (12 corners, 2), whose radius varies by the share `rough`."""
    turn = np.arange(corners) * 2 * np.pi / corners + generator.uniform(0, 2 * np.pi)
    lengths = radius * generator.uniform(1 - rough, 1 + rough, corners)
    points = np.asarray(centre, np.float64) + np.stack([np.cos(turn), np.sin(turn)], axis=1) * lengths[:, None]
    return spline(points, closed=True)


def smooth_field(generator: Generator, height: int, width: int, cells: float) -> NDArray[np.float32]:
    """A smooth random field, (height, width), mean 0, about -2 to 2, with about `cells` bumps along the longer side."""
    long = max(height, width)
    grid = (max(2, round(cells * height / long)) + 3, max(2, round(cells * width / long)) + 3)
    coarse = generator.standard_normal(grid).astype(np.float32)
    step = long / max(cells, 1)
    large = cv2.resize(coarse, (int(grid[1] * step) + 1, int(grid[0] * step) + 1), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large[:height, :width], np.float32)


def quad_map(corners: ArrayLike) -> NDArray[np.float64]:
    """The perspective map, (3, 3), from the unit square to four corners (4, 2), clockwise from the top left."""
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(square, np.asarray(corners, np.float32)), np.float64)


def project(matrix: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float64]:
    """Map points, (N, 2), by a perspective map, (3, 3)."""
    points = np.asarray(points, np.float64)
    mapped = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)

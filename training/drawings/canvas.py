"""A canvas that draws at four times its size and is reduced by the mean over each pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[int, int, int]
"""R', G', B', 0 to 255."""

FACTOR = 4
"""Samples a pixel in each direction."""

# OpenCV takes coordinates with so many fractional bits.
_FRACTION = 6


class Canvas:
    """An image in work. Coordinates are (x, y) in pixels of the result, with fractions.

    Attributes:
        width: Pixels a row.
        height: Rows.
        samples: What is drawn so far, R'G'B', (4 height, 4 width, 3) uint8; may be changed.
    """

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.width = width
        self.height = height
        self.samples: NDArray[np.uint8] = np.full((height * FACTOR, width * FACTOR, 3), colour, np.uint8)

    def polygon(self, points: ArrayLike, colour: Colour) -> None:
        """Fill a polygon, (N, 2)."""
        cv2.fillPoly(self.samples, [_fixed(points)], colour, cv2.LINE_AA, _FRACTION)

    def gradient(self, points: ArrayLike, start: Colour, end: Colour, angle: float) -> None:
        """Fill a polygon, (N, 2), with a gradient between two colours; `angle` is that of its direction, in radians."""
        points = np.asarray(points, np.float64)
        left, top = np.clip((points.min(axis=0) * FACTOR).astype(int), 0, None)
        right, bottom = (points.max(axis=0) * FACTOR).astype(int) + 1
        window = self.samples[top:bottom, left:right]
        if not window.size:
            return
        mask = np.zeros(window.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_fixed(points - np.array([left, top]) / FACTOR)], 255, cv2.LINE_AA, _FRACTION)
        x = np.linspace(-1, 1, window.shape[1], dtype=np.float32) * np.cos(angle)
        y = np.linspace(-1, 1, window.shape[0], dtype=np.float32) * np.sin(angle)
        share = np.clip((x[None] + y[:, None]) / 2 + 0.5, 0, 1)[..., None]
        fill = np.asarray(start, np.float32) * (1 - share) + np.asarray(end, np.float32) * share
        self.blend(fill, mask, (left, top))

    def blend(self, fill: NDArray[np.float32], mask: NDArray[np.uint8], corner: tuple[int, int] = (0, 0)) -> None:
        """Lay colours, (H, W, 3), over the samples from `corner` on, with opacities (H, W), 0 to 255."""
        left, top = corner
        window = self.samples[top : top + mask.shape[0], left : left + mask.shape[1]]
        opacity = mask[..., None].astype(np.float32) / 255
        window[:] = np.clip(window * (1 - opacity) + fill * opacity + 0.5, 0, 255).astype(np.uint8)

    def line(self, points: ArrayLike, colour: Colour, width: float, closed: bool = False) -> None:
        """Draw a line through points, (N, 2), `width` pixels wide."""
        thickness = max(1, round(width * FACTOR))
        cv2.polylines(self.samples, [_fixed(points)], closed, colour, thickness, cv2.LINE_AA, _FRACTION)

    def stroke(self, points: ArrayLike, widths: ArrayLike, colour: Colour) -> None:
        """Draw a line whose width changes: points (N, 2), widths (N,) in pixels."""
        points, half = np.asarray(points, np.float64), np.asarray(widths, np.float64)[:, None] / 2
        along = np.gradient(points, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        across = along[:, ::-1] * (-1, 1) * half
        sides = np.concatenate([points + across, (points - across)[::-1]])
        self.polygon(sides, colour)

    def ellipse(self, centre: ArrayLike, axes: ArrayLike, colour: Colour, angle: float = 0.0) -> None:
        """Fill an ellipse with half axes (a, b), rotated by `angle` in radians."""
        self.polygon(ellipse(centre, axes, angle), colour)

    def reduced(self, blur: float = 0.0) -> NDArray[np.uint8]:
        """The image, (height, width, 3) uint8; `blur` is the sigma of a Gaussian in pixels that is applied before."""
        samples = self.samples
        if blur:
            samples = np.asarray(cv2.GaussianBlur(samples, (0, 0), blur * FACTOR), np.uint8)
        return np.asarray(cv2.resize(samples, (self.width, self.height), interpolation=cv2.INTER_AREA), np.uint8)


def ellipse(centre: ArrayLike, axes: ArrayLike, angle: float = 0.0, count: int = 64) -> NDArray[np.float64]:
    """Points on an ellipse, (count, 2), with half axes (a, b), rotated by `angle` in radians."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    a, b = np.asarray(axes, np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = a * np.cos(turn), b * np.sin(turn)
    points: NDArray[np.float64] = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=1)
    return points + np.asarray(centre, np.float64)


def _fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Points of the result as OpenCV's fixed-point samples."""
    samples = np.asarray(points, np.float64) * FACTOR - 0.5
    return np.asarray(np.round(samples * 2**_FRACTION), np.int32)

"""Engravings: tones by lines of varying width, crosshatching, halftone dots."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.drawings.canvas import FACTOR, Canvas
from training.drawings.palette import contrasting
from training.drawings.shapes import blob, smooth_field


def draw_engraving(generator: Generator, canvas: Canvas) -> None:
    """Shapes with tones, each tone by hatching in one to three directions, or by dots."""
    ink, paper = contrasting(generator)
    tone = _tones(generator, canvas)
    height, width = tone.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / FACTOR
    bend = smooth_field(generator, height, width, generator.uniform(1, 5)) * generator.uniform(0, 14)
    period = generator.uniform(2.6, 9)
    if generator.uniform() < 0.25:
        covered = _dots(x, y, period, generator.uniform(0, np.pi), tone)
    else:
        covered = np.zeros(tone.shape, bool)
        first = generator.uniform(0, np.pi)
        for number in range(int(generator.integers(1, 4))):
            angle = first + number * generator.uniform(0.6, 1.3)
            position = (x * np.cos(angle) + y * np.sin(angle) + bend) / period
            # Later directions begin in darker tones only.
            darkness = np.clip((tone - 0.28 * number) / max(0.2, 1 - 0.28 * number), 0, 1)
            covered |= np.abs(position - np.round(position)) < darkness * 0.46
    canvas.samples[:] = np.where(covered[..., None], np.asarray(ink, np.uint8), np.asarray(paper, np.uint8))
    if generator.uniform() < 0.5:
        for _ in range(int(generator.integers(2, 7))):
            centre = generator.uniform(0, 1, 2) * (canvas.width, canvas.height)
            outline = blob(generator, centre, generator.uniform(30, canvas.height / 3))
            canvas.line(outline, ink, generator.uniform(0.6, 2.2), closed=True)


def _tones(generator: Generator, canvas: Canvas) -> NDArray[np.float32]:
    """Darkness, 0 to 1, of each sample: smooth hills, with sharp edges where one shape is in front of another."""
    height, width = canvas.height, canvas.width
    tone = 0.5 + 0.28 * smooth_field(generator, height, width, generator.uniform(2, 6))
    for _ in range(int(generator.integers(2, 8))):
        centre = generator.uniform(0, 1, 2) * (width, height)
        shape = blob(generator, centre, generator.uniform(40, height / 2.5))
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.round(shape).astype(np.int32)], 1)
        tone = np.where(mask > 0, 0.5 + 0.35 * smooth_field(generator, height, width, generator.uniform(1.5, 4)), tone)
    fine = cv2.resize(tone, None, fx=FACTOR, fy=FACTOR, interpolation=cv2.INTER_LINEAR)
    return np.clip(fine, 0.02, 1).astype(np.float32)


def _dots(
    x: NDArray[np.float32], y: NDArray[np.float32], period: float, angle: float, tone: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Round dots on a rotated grid, whose area follows the tone."""
    u = (x * np.cos(angle) + y * np.sin(angle)) / period
    v = (y * np.cos(angle) - x * np.sin(angle)) / period
    distance = np.hypot(u - np.round(u), v - np.round(v))
    return np.asarray(distance < 0.66 * np.sqrt(tone), np.bool_)

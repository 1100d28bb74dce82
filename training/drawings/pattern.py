"""Regular patterns: zone plates, stars, grids, checkerboards, weaves and gratings that overlap."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.drawings.canvas import FACTOR, Canvas
from training.drawings.palette import contrasting, related
from training.drawings.shapes import smooth_field

Field = NDArray[np.float32]


def draw_pattern(generator: Generator, canvas: Canvas) -> None:
    """Four to nine fields with a pattern each, of periods from 2.2 pixels on, some bent."""
    columns, rows = int(generator.integers(2, 4)), int(generator.integers(2, 4))
    width, height = canvas.width / columns, canvas.height / rows
    for row in range(rows):
        for column in range(columns):
            top, bottom = (round(edge * height) * FACTOR for edge in (row, row + 1))
            left, right = (round(edge * width) * FACTOR for edge in (column, column + 1))
            window = canvas.samples[top:bottom, left:right]
            share = _pattern(generator, window.shape[0], window.shape[1])[..., None]
            a, b = contrasting(generator) if generator.uniform() < 0.5 else related(generator, 2, 0.7)
            mix = np.asarray(a, np.float32) * (1 - share) + np.asarray(b, np.float32) * share
            window[:] = np.clip(mix + 0.5, 0, 255).astype(np.uint8)


def _pattern(generator: Generator, height: int, width: int) -> Field:
    """A pattern, (height, width), values 0 to 1, for samples of which four are a pixel."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / FACTOR
    angle = generator.uniform(0, np.pi)
    if generator.uniform() < 0.4:
        bend = smooth_field(generator, height, width, generator.uniform(1, 3)) * generator.uniform(2, 10)
        x, y = x + bend, y - bend
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    period = 2.2 * float(generator.uniform(1, 7)) ** generator.uniform(0.5, 1)
    makers = (_zone_plate, _star, _grating, _checkerboard, _grid, _weave, _rings, _tiles, _two_gratings)
    make = makers[int(generator.integers(len(makers)))]
    return np.clip(make(generator, u, v, period), 0, 1)


def _zone_plate(generator: Generator, u: Field, v: Field, period: float) -> Field:
    """Rings whose frequency grows with the radius and reaches 1 / `period` at the farthest corner."""
    radius = np.hypot(u - u.mean(), v - v.mean())
    phase = np.pi * radius**2 / (period * radius.max())
    wave = np.cos(phase)
    return np.asarray(0.5 + 0.5 * (wave if generator.uniform() < 0.5 else np.sign(wave)), np.float32)


def _star(generator: Generator, u: Field, v: Field, period: float) -> Field:
    spokes = int(generator.integers(16, 60))
    return np.asarray(np.sin(np.arctan2(v - v.mean(), u - u.mean()) * spokes) > 0, np.float32)


def _grating(generator: Generator, u: Field, v: Field, period: float) -> Field:
    """Bars whose period changes from one side to the other."""
    chirp = u / period * (1 + generator.uniform(0, 0.8) * (u - u.min()) / np.ptp(u))
    return np.asarray(np.mod(chirp, 1) < generator.uniform(0.2, 0.8), np.float32)


def _checkerboard(generator: Generator, u: Field, v: Field, period: float) -> Field:
    return np.asarray(np.mod(np.floor(u / period) + np.floor(v / (period * generator.uniform(0.7, 2))), 2), np.float32)


def _grid(generator: Generator, u: Field, v: Field, period: float) -> Field:
    spacing, thin = period * generator.uniform(1.5, 4), generator.uniform(0.08, 0.3)
    return np.asarray((np.mod(u / spacing, 1) < thin) | (np.mod(v / spacing, 1) < thin), np.float32)


def _weave(generator: Generator, u: Field, v: Field, period: float) -> Field:
    """Threads over and under each other, rounded by their shading."""
    period *= 1.5
    is_over = np.mod(np.floor(u / period) + np.floor(v / period), 2) > 0
    return np.asarray(
        np.where(is_over, np.abs(np.sin(np.pi * u / period)), 0.8 * np.abs(np.sin(np.pi * v / period))), np.float32
    )


def _rings(generator: Generator, u: Field, v: Field, period: float) -> Field:
    distance = np.hypot(u - np.quantile(u, generator.uniform()), v - np.quantile(v, generator.uniform()))
    return np.asarray(np.mod(distance / period, 1) < 0.5, np.float32)


def _tiles(generator: Generator, u: Field, v: Field, period: float) -> Field:
    """Hexagons with joints."""
    size = period * generator.uniform(1.5, 4)
    a, b = u / size, v / (size * np.float32(np.sqrt(3)))
    near = np.hypot(a - np.round(a), (b - np.round(b)) * np.sqrt(3))
    far = np.hypot(a - np.floor(a) - 0.5, (b - np.floor(b) - 0.5) * np.sqrt(3))
    return np.asarray(np.clip(np.abs(near - far) / 0.12, 0, 1), np.float32)


def _two_gratings(generator: Generator, u: Field, v: Field, period: float) -> Field:
    """Two gratings of nearly one period and angle."""
    turn, ratio = generator.normal(0, 0.12), generator.uniform(0.85, 1.15)
    other = (u * np.cos(turn) + v * np.sin(turn)) / (period * ratio)
    return np.asarray((np.mod(u / period, 1) < 0.5) | (np.mod(other, 1) < 0.5), np.float32)

"""Maps: relief with contour lines, water, streets with buildings, labels."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.drawings.canvas import Canvas, Colour
from training.drawings.lettering import Lettering
from training.drawings.palette import hsv, mixed
from training.drawings.shapes import blob, smooth_field, spline


def draw_map(generator: Generator, canvas: Canvas, lettering: Lettering) -> None:
    """A street map or a relief map, with the same kinds of lines and labels."""
    land = hsv(generator.uniform(0.08, 0.2), generator.uniform(0.03, 0.25), generator.uniform(0.85, 1))
    ink = hsv(generator.uniform(0, 0.1), generator.uniform(0, 0.6), generator.uniform(0.05, 0.4))
    canvas.samples[:] = land
    if generator.uniform() < 0.5:
        _relief(generator, canvas, land, mixed(ink, land, 0.3))
    for _ in range(int(generator.integers(2, 7))):
        park = hsv(generator.uniform(0.25, 0.36), generator.uniform(0.1, 0.4), generator.uniform(0.75, 0.95))
        centre = generator.uniform(0, 1, 2) * (canvas.width, canvas.height)
        canvas.polygon(blob(generator, centre, generator.uniform(20, 100)), park)
    water = hsv(generator.uniform(0.52, 0.62), generator.uniform(0.2, 0.6), generator.uniform(0.6, 0.95))
    river = _way(generator, canvas, 7)
    canvas.line(river, mixed(water, ink, 0.4), generator.uniform(8, 30))
    canvas.line(river, water, generator.uniform(6, 26))
    _streets(generator, canvas, ink)
    for _ in range(int(generator.integers(15, 45))):
        lettering.change_font()
        place = (generator.uniform(-20, canvas.width), generator.uniform(0, canvas.height))
        size = generator.uniform(6, 22)
        text = lettering.words(int(generator.integers(1, 3)))
        if generator.uniform() < 0.5:
            for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                lettering.write(canvas, text, (place[0] + dx, place[1] + dy), size, land)
        lettering.write(canvas, text, place, size, ink)
        canvas.ellipse((place[0] - 4, place[1] - 3), (2.2, 2.2), ink)


def _relief(generator: Generator, canvas: Canvas, land: Colour, ink: Colour) -> None:
    """Contour lines of equal width, each fifth thicker, and tints by height."""
    height, width = canvas.samples.shape[:2]
    hills = smooth_field(generator, height, width, generator.uniform(3, 6))
    hills += 0.3 * smooth_field(generator, height, width, generator.uniform(8, 14))
    level = hills * generator.uniform(5, 16)
    slope = np.hypot(*np.gradient(level)) + 1e-6
    nearest = np.round(level)
    distance = np.abs(level - nearest) / slope  # in samples
    tint = (np.clip(np.floor(level) / 30 + 0.5, 0, 1)[..., None]).astype(np.float32)
    high = np.asarray(hsv(generator.uniform(0.02, 0.4), 0.35, 0.75), np.float32)
    canvas.samples[:] = (np.asarray(land, np.float32) * (1 - tint) + high * tint).astype(np.uint8)
    thickness = np.where(np.mod(nearest, 5) == 0, 3.6, 1.7)
    canvas.samples[distance < thickness] = ink


def _streets(generator: Generator, canvas: Canvas, ink: Colour) -> None:
    """A bent grid of streets with buildings between, and a few through roads."""
    spacing = generator.uniform(24, 70)
    angle = generator.uniform(0, np.pi)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = np.array([canvas.width, canvas.height]) / 2
    reach = int(np.hypot(canvas.width, canvas.height) / spacing / 2) + 2
    bend = generator.normal(0, 0.00015, 4)

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = (points * spacing).T
        bent = np.stack([x + bend[0] * y**2 + bend[1] * x * y, y + bend[2] * x**2 + bend[3] * x * y], axis=1)
        return np.asarray(bent @ axes + centre, np.float64)

    house = hsv(generator.uniform(0, 0.15), generator.uniform(0.1, 0.4), generator.uniform(0.55, 0.85))
    for row in range(-reach, reach):
        for column in range(-reach, reach):
            if generator.uniform() < 0.75:
                for footprint in _houses(generator, column, row):
                    canvas.polygon(place(footprint), house)
                    canvas.line(place(footprint), mixed(ink, house, 0.4), 0.6, closed=True)
    steps = np.linspace(-reach, reach, 40)
    lines = [np.stack([steps, np.full(40, float(row))], axis=1) for row in range(-reach, reach)]
    lines += [line[:, ::-1] for line in lines]
    roads = [place(line) for line in lines if generator.uniform() < 0.85]
    roads += [_way(generator, canvas, 5) for _ in range(3)]
    widths = [*generator.uniform(2, 4.5, len(roads) - 3), *generator.uniform(5, 10, 3)]
    for points, width in zip(roads, widths, strict=True):
        canvas.line(points, mixed(ink, (255, 255, 255), 0.4), width + 1.6)
    fill = hsv(generator.uniform(0.08, 0.15), generator.uniform(0, 0.8), 1)
    for points, width in zip(roads, widths, strict=True):
        canvas.line(points, fill if width > 5 else (255, 255, 255), width)


def _houses(generator: Generator, column: int, row: int) -> list[NDArray[np.float64]]:
    """Footprints of the houses in a block, in units of blocks."""
    x, y = np.sort(generator.uniform(0.14, 0.86, (2, 4)), axis=1) + np.array([[column], [row]])
    boxes = [(x[0], x[1], y[0], y[3]), (x[2], x[3], y[0], y[1]), (x[2], x[3], y[2], y[3])]
    return [np.array([[a, c], [b, c], [b, d], [a, d]]) for a, b, c, d in boxes]


def _way(generator: Generator, canvas: Canvas, count: int) -> NDArray[np.float64]:
    """A smooth way from one border to the opposite one."""
    along = np.linspace(-0.1, 1.1, count)
    across = np.cumsum(generator.normal(0, 0.12, count)) + generator.uniform(0.2, 0.8)
    points = np.stack([along, across], axis=1)
    return spline((points if generator.uniform() < 0.5 else points[:, ::-1]) * (canvas.width, canvas.height), False)

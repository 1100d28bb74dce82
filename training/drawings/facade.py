"""Buildings: walls of brick or panels with rows of windows, in perspective."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.drawings.canvas import FACTOR, Canvas, Colour
from training.drawings.palette import hsv, mixed
from training.drawings.shapes import project, quad_map, smooth_field


@dataclass(frozen=True)
class _Style:
    """Of all walls of a building: rows and columns of windows, share of a cell that a window takes, colours, parts."""

    rows: int
    columns: int
    share: tuple[float, float]
    wall: Colour
    frame: Colour
    glass: Colour
    bricks: int
    panes: tuple[int, int]
    balcony: bool
    blinds: bool
    sills: bool


def draw_facade(generator: Generator, canvas: Canvas) -> None:
    """One wall seen at an angle, or two that meet at a corner, against the sky."""
    width, height = canvas.width, canvas.height
    sky = hsv(generator.uniform(0.52, 0.62), generator.uniform(0.05, 0.6), generator.uniform(0.6, 1))
    corners = [[0, 0], [width, 0], [width, height], [0, height]]
    canvas.gradient(corners, sky, mixed(sky, (255, 255, 255), 0.6), np.pi / 2)
    style = _style(generator)
    _building(generator, canvas, style)
    shade = 1 + generator.uniform(0, 0.08) * smooth_field(generator, height, width, 3)
    fine = np.asarray(cv2.resize(shade, None, fx=FACTOR, fy=FACTOR, interpolation=cv2.INTER_LINEAR), np.float32)
    canvas.samples[:] = np.clip(canvas.samples * fine[..., None], 0, 255).astype(np.uint8)


def _building(generator: Generator, canvas: Canvas, style: _Style) -> None:
    width, height = canvas.width, canvas.height
    top, bottom = -generator.uniform(0.0, 0.6) * height, generator.uniform(1.0, 1.4) * height
    if generator.uniform() < 0.4:
        lift = generator.uniform(-0.5, 0.9, 2) * height * 0.6
        wall = [
            [-0.1 * width, top + lift[0]],
            [1.1 * width, top + lift[1]],
            [1.1 * width, bottom],
            [-0.1 * width, bottom],
        ]
        _wall(generator, canvas, quad_map(wall), style, 1.0)
        return
    edge, middle = generator.uniform(0.25, 0.75) * width, generator.uniform(-0.3, 0.25) * height
    drop = generator.uniform(0.1, 0.6, 2) * height
    rise = generator.uniform(0.0, 0.3, 2) * height
    left = [[-0.1 * width, middle + drop[0]], [edge, middle], [edge, bottom], [-0.1 * width, bottom - rise[0]]]
    right = [[edge, middle], [1.1 * width, middle + drop[1]], [1.1 * width, bottom - rise[1]], [edge, bottom]]
    _wall(generator, canvas, quad_map(left), style, 1.0)
    _wall(generator, canvas, quad_map(right), style, generator.uniform(0.45, 0.85))


def _style(generator: Generator) -> _Style:
    hue = generator.choice([0.03, 0.06, 0.1, 0.12, 0.58]) + generator.normal(0, 0.015)
    wall = hsv(hue, generator.uniform(0.02, 0.6), generator.uniform(0.3, 0.95))
    light = generator.uniform() < 0.6
    return _Style(
        rows=int(generator.integers(4, 26)),
        columns=int(generator.integers(3, 22)),
        share=(generator.uniform(0.35, 0.95), generator.uniform(0.4, 0.9)),
        wall=wall,
        frame=hsv(0.1, 0.05, generator.uniform(0.75, 1)) if light else hsv(0.6, 0.2, generator.uniform(0.05, 0.3)),
        glass=hsv(generator.uniform(0.5, 0.65), generator.uniform(0.1, 0.5), generator.uniform(0.1, 0.75)),
        bricks=int(generator.choice([0, 0, 5, 8, 12])),
        panes=(int(generator.integers(1, 4)), int(generator.integers(1, 4))),
        balcony=generator.uniform() < 0.25,
        blinds=generator.uniform() < 0.3,
        sills=generator.uniform() < 0.5,
    )


def _wall(generator: Generator, canvas: Canvas, place: NDArray[np.float64], style: _Style, light: float) -> None:
    """Draw a wall that fills the unit square of `place`."""

    def lit(colour: Colour, factor: float = 1.0) -> Colour:
        return mixed((0, 0, 0), colour, min(1.0, light * factor))

    _box(canvas, place, (0, 0, 1, 1), lit(style.wall))
    if style.bricks:
        _bricks(generator, canvas, place, style, light)
    else:
        for row in range(style.rows + 1):  # joints between panels
            y = row / style.rows
            canvas.line(project(place, [[0, y], [1, y]]), lit(style.wall, 0.8), 0.7)
    across, down = 1 / style.columns, 1 / style.rows
    for row in range(style.rows):
        for column in range(style.columns):
            w, h = across * style.share[0], down * style.share[1]
            x, y = column * across + (across - w) / 2, row * down + (down - h) / 2
            if _is_visible(canvas, project(place, [[x, y], [x + w, y + h]])):
                _window(generator, canvas, place, (x, y, x + w, y + h), style, light)


def _window(
    generator: Generator,
    canvas: Canvas,
    place: NDArray[np.float64],
    box: tuple[float, float, float, float],
    style: _Style,
    light: float,
) -> None:
    left, top, right, bottom = box
    w, h = right - left, bottom - top
    frame = mixed((0, 0, 0), style.frame, light)
    shadow = mixed((0, 0, 0), style.wall, light * 0.55)
    _box(canvas, place, (left - 0.04 * w, top - 0.06 * h, right + 0.04 * w, bottom + 0.02 * h), shadow)
    _box(canvas, place, box, frame)
    columns, rows = style.panes
    reflected = mixed(style.glass, (235, 240, 250), generator.uniform(0, 0.7))
    for row in range(rows):
        for column in range(columns):
            pane = (
                left + w * (column + 0.08) / columns,
                top + h * (row + 0.06) / rows,
                left + w * (column + 0.92) / columns,
                top + h * (row + 0.94) / rows,
            )
            shade = generator.uniform(0.7, 1)
            start, end = (mixed((0, 0, 0), colour, light * shade) for colour in (reflected, style.glass))
            canvas.gradient(_corners(place, pane), start, end, generator.uniform(0.5, 1.2))
    if style.blinds and generator.uniform() < 0.6:
        for y in np.linspace(top + 0.08 * h, top + h * generator.uniform(0.3, 0.9), 9):
            canvas.line(project(place, [[left + 0.06 * w, y], [right - 0.06 * w, y]]), frame, 0.6)
    if style.sills:
        _box(canvas, place, (left - 0.1 * w, bottom, right + 0.1 * w, bottom + 0.07 * h), frame)
    if style.balcony:
        rails = np.linspace(left - 0.15 * w, right + 0.15 * w, 14)
        for x in rails:
            canvas.line(project(place, [[x, bottom - 0.35 * h], [x, bottom + 0.05 * h]]), (25, 25, 28), 0.6)
        for y in (bottom - 0.35 * h, bottom + 0.05 * h):
            canvas.line(project(place, [[rails[0], y], [rails[-1], y]]), (25, 25, 28), 1.2)


def _bricks(generator: Generator, canvas: Canvas, place: NDArray[np.float64], style: _Style, light: float) -> None:
    """Courses of bricks, each brick of its own shade, on mortar of the wall's colour."""
    courses = style.rows * style.bricks
    count = max(4, round(style.columns * style.bricks * 0.45))
    gap_x, gap_y = 0.08 / count, 0.14 / courses
    brick = hsv(generator.uniform(0.0, 0.08), generator.uniform(0.2, 0.7), generator.uniform(0.35, 0.8))
    shades = [mixed((0, 0, 0), brick, light * shade) for shade in generator.uniform(0.72, 1.0, 12)]
    choice = generator.integers(len(shades), size=(courses, count + 1))
    for course in range(courses):
        y = course / courses
        ends = project(place, [[0, y], [1, y]])
        if ends[:, 1].max() < -20 or ends[:, 1].min() > canvas.height + 20:
            continue
        for number in range(count + 1):
            x = (number - 0.5 * (course % 2)) / count
            box = (max(0.0, x + gap_x), y + gap_y, min(1.0, x + 1 / count), y + 1 / courses)
            _box(canvas, place, box, shades[choice[course, number]])


def _corners(place: NDArray[np.float64], box: tuple[float, float, float, float]) -> NDArray[np.float64]:
    left, top, right, bottom = box
    return project(place, [[left, top], [right, top], [right, bottom], [left, bottom]])


def _box(canvas: Canvas, place: NDArray[np.float64], box: tuple[float, float, float, float], colour: Colour) -> None:
    canvas.polygon(_corners(place, box), colour)


def _is_visible(canvas: Canvas, points: NDArray[np.float64]) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    return bool(high[0] > 0 and high[1] > 0 and low[0] < canvas.width and low[1] < canvas.height)

"""Frames of flat-coloured drawings with ink lines, in colour, or in black and white with screentones."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from training.drawings.canvas import FACTOR, Canvas, Colour
from training.drawings.figure import Figure, random_look
from training.drawings.palette import hsv, mixed, related
from training.drawings.shapes import blob, smooth_field, spline


def draw_cel(generator: Generator, canvas: Canvas) -> None:
    """A background with none to three figures in front."""
    backgrounds = (_landscape, _foliage, _speed_lines, _room)
    backgrounds[int(generator.integers(len(backgrounds)))](generator, canvas)
    for _ in range(int(generator.integers(0, 4))):
        size = canvas.height * generator.uniform(0.12, 0.4)
        centre = generator.uniform(0.1, 0.9, 2) * (canvas.width, canvas.height)
        Figure(generator, canvas, centre, size, random_look(generator, size)).draw()
    if generator.uniform() < 0.2:
        _screentones(generator, canvas)


def _landscape(generator: Generator, canvas: Canvas) -> None:
    """Sky with clouds, hills one behind the other, a house or two."""
    width, height = canvas.width, canvas.height
    sky = hsv(generator.uniform(0.5, 0.7), generator.uniform(0.2, 0.7), generator.uniform(0.5, 1))
    low = mixed(sky, hsv(generator.uniform(0, 0.15), 0.3, 1), 0.6)
    canvas.gradient([[0, 0], [width, 0], [width, height], [0, height]], sky, low, np.pi / 2)
    for _ in range(int(generator.integers(2, 6))):
        centre = generator.uniform((0, 0), (width, height * 0.5))
        for part in range(5):
            place = centre + (part * 22, generator.normal(0, 8))
            radius = generator.uniform(14, 34)
            canvas.polygon(blob(generator, place + (0, 7), radius, 8, 0.1), mixed(sky, (255, 255, 255), 0.6))
            canvas.polygon(blob(generator, place, radius, 8, 0.1), (252, 252, 255))
    ink = (25, 25, 35)
    line = generator.uniform(0.7, 2)
    for number in range(int(generator.integers(2, 6))):
        x = np.linspace(-20, width + 20, 9)
        y = height * (0.4 + 0.13 * number) + generator.normal(0, height * 0.05, 9)
        crest = spline(np.stack([x, y], axis=1), closed=False)
        green = hsv(generator.uniform(0.2, 0.42), generator.uniform(0.3, 0.7), generator.uniform(0.35, 0.85))
        canvas.polygon(np.concatenate([crest, [[width + 20, height + 9], [-20, height + 9]]]), green)
        canvas.line(crest, ink, line)
        for start in generator.uniform(0, 1, int(generator.integers(0, 60))):
            root = crest[int(start * (len(crest) - 1))]
            blade = root + [[0, 0], [generator.normal(0, 3), -5], [generator.normal(0, 6), -generator.uniform(7, 14)]]
            canvas.stroke(spline(blade, closed=False, steps=4), np.linspace(2, 0.4, 9), mixed(green, ink, 0.4))
    _house(generator, canvas, ink, line)


def _house(generator: Generator, canvas: Canvas, ink: Colour, line: float) -> None:
    x, y = generator.uniform(0.1, 0.6) * canvas.width, generator.uniform(0.45, 0.7) * canvas.height
    w, h = generator.uniform(0.15, 0.35, 2) * canvas.height
    walls, roof, door = related(generator, 3, 0.6)
    shapes = [
        (np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]), walls),
        (np.array([[x - w * 0.1, y], [x + w * 0.5, y - h * 0.5], [x + w * 1.1, y]]), roof),
        (
            np.array(
                [[x + w * 0.4, y + h * 0.5], [x + w * 0.6, y + h * 0.5], [x + w * 0.6, y + h], [x + w * 0.4, y + h]]
            ),
            door,
        ),
    ]
    for points, colour in shapes:
        canvas.polygon(points, colour)
        canvas.line(points, ink, line, closed=True)
    for share in np.linspace(0.1, 0.9, 9):
        canvas.line([[x + w * (share - 0.02), y - 2], [x + w * 0.5, y - h * 0.48]], mixed(roof, ink, 0.5), line * 0.5)


def _foliage(generator: Generator, canvas: Canvas) -> None:
    """Leaves over leaves, each with a vein and an outline."""
    greens = related(generator, 5, 0.6)
    canvas.samples[:] = mixed(greens[0], (0, 0, 0), 0.6)
    line = generator.uniform(0.6, 1.8)
    for number in range(int(generator.integers(120, 400))):
        centre = generator.uniform(0, 1, 2) * (canvas.width, canvas.height)
        angle, long = generator.uniform(0, 2 * np.pi), generator.uniform(10, 45)
        axes = long * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        wide = generator.uniform(0.2, 0.45)
        leaf = spline(
            np.array([[-1, 0], [-0.3, -wide], [0.5, -wide * 0.8], [1, 0], [0.5, wide * 0.8], [-0.3, wide]]), True
        )
        colour = greens[number % 5]
        canvas.gradient(leaf @ axes + centre, colour, mixed(colour, (255, 255, 230), generator.uniform(0, 0.4)), angle)
        canvas.line(leaf @ axes + centre, mixed(colour, (0, 0, 0), 0.75), line, closed=True)
        canvas.line(np.array([[-0.9, 0], [0.8, 0]]) @ axes + centre, mixed(colour, (0, 0, 0), 0.5), line * 0.6)


def _speed_lines(generator: Generator, canvas: Canvas) -> None:
    """Tapered lines towards one point on a gradient."""
    a, b, ink = related(generator, 3, 0.7)
    width, height = canvas.width, canvas.height
    canvas.gradient([[0, 0], [width, 0], [width, height], [0, height]], a, b, generator.uniform(0, np.pi))
    target = generator.uniform(0.2, 0.8, 2) * (width, height)
    for angle in generator.uniform(0, 2 * np.pi, int(generator.integers(150, 500))):
        way = np.array([np.cos(angle), np.sin(angle)])
        near = generator.uniform(0.15, 0.5) * height
        points = target + way * np.linspace(near, width * 1.2, 6)[:, None]
        colour = ink if generator.uniform() < 0.7 else (255, 255, 255)
        canvas.stroke(points, np.linspace(0.3, generator.uniform(1, 7), 6), colour)


def _room(generator: Generator, canvas: Canvas) -> None:
    """Walls, a floor of boards in perspective, and shelves with books."""
    wall, floor, wood = related(generator, 3, 0.4)
    ink = mixed(wood, (0, 0, 0), 0.8)
    width, height = canvas.width, canvas.height
    canvas.samples[:] = wall
    horizon = generator.uniform(0.6, 0.85) * height
    ground: list[list[float]] = [[0, horizon], [width, horizon], [width, height], [0, height]]
    canvas.gradient(ground, floor, mixed(floor, ink, 0.4), 1.5)
    for x in np.linspace(-2 * width, 3 * width, 40):
        canvas.line([[width / 2 + (x - width / 2) * 0.3, horizon], [x, height]], ink, 0.8)
    canvas.line([[0, horizon], [width, horizon]], ink, 1.5)
    for y in np.arange(0.12, horizon / height, 0.19) * height:
        left, right = np.sort(generator.uniform(0.02, 0.98, 2)) * width
        shelf = [[left, y], [right, y], [right, y + 6], [left, y + 6]]
        x = left + 4
        while x < right - 14:
            w, h = generator.uniform(5, 14), generator.uniform(0.06, 0.16) * height
            book = [[x, y - h], [x + w, y - h], [x + w, y], [x, y]]
            canvas.polygon(book, related(generator, 1, 0.7)[0])
            canvas.line(book, ink, 0.9, closed=True)
            canvas.line([[x + 1, y - h * 0.8], [x + w - 1, y - h * 0.8]], (235, 225, 180), 1)
            x += w
        canvas.polygon(shelf, wood)
        canvas.line(shelf, ink, 1.1, closed=True)


def _screentones(generator: Generator, canvas: Canvas) -> None:
    """Black and white: lines stay, grey becomes dots whose size follows the tone."""
    grey = canvas.samples.astype(np.float32).mean(axis=2) / 255
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / FACTOR
    period = generator.uniform(2.8, 6)
    u, v = (x + y) / (period * np.sqrt(2)), (x - y) / (period * np.sqrt(2))
    distance = np.hypot(u - np.round(u), v - np.round(v))
    tone = np.clip(1.25 - grey * 1.3 + 0.03 * smooth_field(generator, height, width, 4), 0, 1)
    white = (distance > 0.62 * np.sqrt(tone)) & (grey > 0.22)
    canvas.samples[:] = np.where((white | (grey > 0.93))[..., None], np.uint8(250), np.uint8(12))

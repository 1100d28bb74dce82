"""Charts, tables and windows as programs show them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from training.drawings.canvas import Canvas
from training.drawings.lettering import Lettering
from training.drawings.palette import hsv, mixed, related


def draw_chart(generator: Generator, canvas: Canvas, lettering: Lettering) -> None:
    """Several panels, each with a plot, bars, a table or lines of text, aligned to pixels as on a screen or not."""
    dark = generator.uniform() < 0.35
    paper = hsv(0.6, 0.1, generator.uniform(0.05, 0.2)) if dark else hsv(0.6, 0.02, generator.uniform(0.9, 1))
    ink = (225, 228, 232) if dark else (30, 32, 38)
    canvas.samples[:] = paper
    columns, rows = int(generator.integers(1, 4)), int(generator.integers(2, 4))
    makers = (_plot, _bars, _table, _buttons)
    for row in range(rows):
        for column in range(columns):
            left, top = (column + 0.06) * canvas.width / columns, (row + 0.1) * canvas.height / rows
            box = (
                round(left),
                round(top),
                int(left + 0.88 * canvas.width / columns),
                int(top + 0.8 * canvas.height / rows),
            )
            lettering.change_font()
            lettering.write(canvas, lettering.words(2), (box[0], box[1] - 2), generator.uniform(8, 14), ink)
            make = makers[int(generator.integers(len(makers)))]
            make(generator, canvas, lettering, box, (ink, mixed(ink, paper, 0.8)))


Box = tuple[int, int, int, int]
Inks = tuple[tuple[int, int, int], tuple[int, int, int]]


def _plot(generator: Generator, canvas: Canvas, lettering: Lettering, box: Box, inks: Inks) -> None:
    left, top, right, bottom = box
    for x in np.linspace(left, right, 9):
        canvas.line([[x, top], [x, bottom]], inks[1], 0.5)
    for y in np.linspace(top, bottom, 6):
        canvas.line([[left, y], [right, y]], inks[1], 0.5)
        lettering.write(canvas, f"{generator.integers(100)}", (left - 2, y + 3), 8, inks[0])
    for colour in related(generator, int(generator.integers(1, 5)), 0.9):
        x = np.linspace(left, right, 60)
        walk = np.cumsum(generator.normal(0, 1, 60))
        y = bottom - (walk - walk.min()) / (np.ptp(walk) + 1e-9) * (bottom - top) * generator.uniform(0.4, 1)
        canvas.line(np.stack([x, y], axis=1), colour, generator.uniform(0.7, 2.5))
        if generator.uniform() < 0.4:
            for centre in np.stack([x, y], axis=1)[::4]:
                canvas.ellipse(centre, (2.2, 2.2), colour)
    canvas.line([[left, top], [left, bottom], [right, bottom]], inks[0], 1)


def _bars(generator: Generator, canvas: Canvas, lettering: Lettering, box: Box, inks: Inks) -> None:
    left, top, right, bottom = box
    count = int(generator.integers(5, 40))
    colours = related(generator, 3, 0.8)
    step = (right - left) / count
    for number in range(count):
        x, y = left + number * step, bottom - generator.uniform(0.05, 1) * (bottom - top)
        bar = [[x, y], [x + step * 0.7, y], [x + step * 0.7, bottom], [x, bottom]]
        canvas.polygon(bar, colours[number % 3])
        canvas.line(bar, inks[0], 0.5, closed=True)
    canvas.line([[left, bottom], [right, bottom]], inks[0], 1)


def _table(generator: Generator, canvas: Canvas, lettering: Lettering, box: Box, inks: Inks) -> None:
    left, top, right, bottom = box
    size = generator.uniform(7, 13)
    columns = max(2, int((right - left) / size / 7))
    for number, y in enumerate(np.arange(top + size, bottom, size * 1.6)):
        if number % 2:
            band = [[left, y - size * 1.1], [right, y - size * 1.1], [right, y + size * 0.5], [left, y + size * 0.5]]
            canvas.polygon(band, inks[1])
        for column in range(columns):
            place = (left + 3 + column * (right - left) / columns, float(y))
            text = lettering.words(1) if column == 0 else f"{generator.uniform(0, 1000):.{generator.integers(3)}f}"
            lettering.write(canvas, text, place, size, inks[0])


def _buttons(generator: Generator, canvas: Canvas, lettering: Lettering, box: Box, inks: Inks) -> None:
    left, top, right, bottom = box
    y = float(top)
    while y < bottom - 20:
        height = generator.uniform(14, 26)
        colour = related(generator, 1, 0.7)[0]
        edge = left + generator.uniform(0.3, 1) * (right - left)
        button = [[left, y], [edge, y], [edge, y + height], [left, y + height]]
        canvas.gradient(button, mixed(colour, (255, 255, 255), 0.3), colour, np.pi / 2)
        canvas.line(button, mixed(colour, (0, 0, 0), 0.4), 0.8, closed=True)
        canvas.ellipse((left + height / 2, y + height / 2), (height * 0.3, height * 0.3), inks[0])
        text = (255, 255, 255) if sum(colour) < 420 else (10, 10, 10)
        lettering.write(canvas, lettering.words(2), (left + height * 1.1, y + height * 0.7), height * 0.5, text)
        y += height * generator.uniform(1.1, 1.6)

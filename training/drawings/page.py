"""Pages and signs with text."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from training.drawings.canvas import Canvas, Colour
from training.drawings.lettering import Lettering
from training.drawings.palette import contrasting, mixed, related
from training.drawings.shapes import smooth_field


def draw_page(generator: Generator, canvas: Canvas, lettering: Lettering) -> None:
    """Columns of text and headlines, often at an angle; sizes from fine print to large letters."""
    ink, paper = contrasting(generator)
    canvas.samples[:] = paper
    if generator.uniform() < 0.5:
        _shade(generator, canvas, generator.uniform(3, 14))
    columns = int(generator.integers(1, 4))
    width = canvas.width / columns
    for column in range(columns):
        _column(generator, canvas, lettering, (column * width + 10, width - 20), ink, paper)
    if generator.uniform() < 0.5:
        _turn(canvas, generator.normal(0, 12), generator.uniform(1, 1.4))


def draw_signs(generator: Generator, canvas: Canvas, lettering: Lettering) -> None:
    """Coloured labels with words of all sizes beside and over each other."""
    canvas.samples[:] = related(generator, 1)[0]
    for _ in range(int(generator.integers(30, 80))):
        lettering.change_font()
        ink, paper = contrasting(generator)
        if generator.uniform() < 0.6:
            paper = related(generator, 1, 0.8)[0]
            ink = (255, 255, 255) if sum(paper) < 380 else (15, 15, 20)
        size = 8 * float(generator.uniform(1, 9)) ** generator.uniform(0.6, 1.1)
        x, y = generator.uniform(-40, canvas.width - 40), generator.uniform(0, canvas.height)
        text = lettering.words(int(generator.integers(1, 4)))
        right = x + size * 0.62 * len(text)
        box = [[x, y - size], [right, y - size], [right, y + size * 0.5], [x, y + size * 0.5]]
        canvas.gradient(box, paper, mixed(paper, ink, 0.15), generator.uniform(0, np.pi))
        if generator.uniform() < 0.4:
            canvas.line(box, ink, generator.uniform(0.7, 2.5), closed=True)
        lettering.write(canvas, text, (x + size * 0.2, y), size, ink)
    if generator.uniform() < 0.6:
        _turn(canvas, generator.normal(0, 25), generator.uniform(1, 1.3))


def _column(
    generator: Generator, canvas: Canvas, lettering: Lettering, place: tuple[float, float], ink: Colour, paper: Colour
) -> None:
    """Paragraphs in a column from x = place[0], place[1] pixels wide."""
    y = 8.0
    while y < canvas.height + 20:
        lettering.change_font()
        is_headline = generator.uniform() < 0.3
        size = generator.uniform(20, 60) if is_headline else generator.uniform(7, 19)
        colour = mixed(ink, paper, generator.uniform(0, 0.3))
        if generator.uniform() < 0.15:
            colour = related(generator, 1, 0.9)[0]
        for _ in range(1 if is_headline else int(generator.integers(2, 9))):
            y += size * 1.35
            lettering.write(canvas, lettering.fitting(place[1], size), (place[0], y), size, colour)
        y += size * 0.6
        if generator.uniform() < 0.2:
            canvas.line([[place[0], y], [place[0] + place[1], y]], colour, generator.choice([0.6, 1, 2]))


def _shade(generator: Generator, canvas: Canvas, depth: float) -> None:
    """Uneven light: levels added to all channels, smooth, of about `depth`."""
    height, width = canvas.samples.shape[:2]
    field = smooth_field(generator, height, width, 3)[..., None] * depth
    canvas.samples[:] = np.clip(canvas.samples + field, 0, 255).astype(np.uint8)


def _turn(canvas: Canvas, degrees: float, zoom: float) -> None:
    """Rotate what is drawn about the centre and enlarge it; the border is its mirror image."""
    height, width = canvas.samples.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, zoom)
    turned = cv2.warpAffine(canvas.samples, matrix, (width, height), None, cv2.INTER_LINEAR, cv2.BORDER_REFLECT)
    canvas.samples[:] = turned

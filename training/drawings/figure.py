"""Heads and shoulders in flat colours with ink lines, as animated films draw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from training.drawings.canvas import Canvas, Colour, ellipse
from training.drawings.palette import hsv, mixed
from training.drawings.shapes import spline

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """Colours and line of a figure.

    Attributes:
        skin, hair, eyes, cloth: Flat colours.
        ink: Colour of the lines.
        line: Width of a line in pixels.
        turn: Shift of the features to one side, -0.3 to 0.3 of the head's half width.
    """

    skin: Colour
    hair: Colour
    eyes: Colour
    cloth: Colour
    ink: Colour
    line: float
    turn: float


def random_look(generator: Generator, size: float) -> Look:
    """A look for a head of `size` pixels from the middle to the chin."""
    skin = hsv(generator.uniform(0.03, 0.09), generator.uniform(0.12, 0.5), generator.uniform(0.7, 1))
    hair = hsv(generator.uniform(), generator.uniform(0.1, 0.8), generator.uniform(0.15, 0.95))
    ink = mixed((15, 10, 15), hair, generator.uniform(0, 0.3))
    line = max(0.6, size * generator.uniform(0.012, 0.03))
    eyes = hsv(generator.uniform(), generator.uniform(0.5, 0.9), generator.uniform(0.4, 0.9))
    cloth = hsv(generator.uniform(), generator.uniform(0, 0.8), generator.uniform(0.2, 1))
    return Look(skin, hair, eyes, cloth, ink, line, generator.uniform(-0.3, 0.3))


class Figure:
    """Draws a head with shoulders. Its own coordinates: the head's middle is 0, the chin is at (0, 1)."""

    def __init__(self, generator: Generator, canvas: Canvas, centre: ArrayLike, size: float, look: Look) -> None:
        """Args: centre: Middle of the head in pixels. size: Pixels from there to the chin."""
        self._generator = generator
        self._canvas = canvas
        self._look = look
        self._centre = np.asarray(centre, np.float64)
        angle = generator.normal(0, 0.15)
        self._axes = size * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def draw(self) -> None:
        """Draw everything from back to front."""
        self._hair_behind()
        self._shoulders()
        self._face()
        for side in (-1, 1):
            self._eye(side)
        self._nose_and_mouth()
        self._fringe()

    def _at(self, points: ArrayLike) -> Points:
        return np.asarray(np.asarray(points, np.float64) @ self._axes + self._centre, np.float64)

    def _ink(self, points: ArrayLike, weight: float = 1.0, closed: bool = False) -> None:
        """A line through points that swells in the middle, or of even width if closed."""
        curve = spline(self._at(points), closed)
        width = self._look.line * weight
        if closed:
            self._canvas.line(curve, self._look.ink, width, closed=True)
        else:
            swell = 0.35 + 0.65 * np.sin(np.linspace(0, np.pi, len(curve)))
            self._canvas.stroke(curve, np.maximum(width * swell, 0.35), self._look.ink)

    def _fill(self, points: ArrayLike, colour: Colour, line: float = 1.0) -> None:
        self._canvas.polygon(spline(self._at(points), closed=True), colour)
        if line:
            self._ink(points, line, closed=True)

    def _hair_behind(self) -> None:
        long, wide = self._generator.uniform(0.6, 2.4), self._generator.uniform(1.0, 1.3)
        outline = [[-0.7, -1.0], [0, -1.3], [0.7, -1.0], [wide, 0], [wide * 0.95, long], [0.4, long * 1.05]]
        outline += [[-0.3, long], [-wide * 0.95, long * 1.02], [-wide, 0]]
        self._fill(outline, mixed(self._look.hair, self._look.ink, 0.35), 1.3)

    def _shoulders(self) -> None:
        look, generator = self._look, self._generator
        wide = generator.uniform(1.5, 2.0)
        body = [[-0.3, 1.25], [-wide, 1.7], [-wide * 1.15, 4], [wide * 1.15, 4], [wide, 1.7], [0.3, 1.25]]
        self._fill(body, look.cloth, 1.2)
        shade = [[0.2, 1.5], [wide * 0.9, 1.9], [wide, 4], [wide * 0.4, 4], [0.5, 2.4]]
        self._fill(shade, mixed(look.cloth, look.ink, 0.3), 0)
        for _ in range(int(generator.integers(3, 9))):
            x, y = generator.uniform(-wide, wide), generator.uniform(1.8, 3)
            self._ink([[x, y], [x + generator.normal(0, 0.1), y + 0.3], [x + generator.normal(0, 0.3), y + 0.8]], 0.8)
        neck = [[-0.3, 0.6], [-0.32, 1.3], [0, 1.75], [0.32, 1.3], [0.3, 0.6]]
        self._fill(neck, mixed(look.skin, look.ink, 0.22))
        for side in (-1, 1):
            collar = [[0, 1.8], [side * 0.36, 1.2], [side * 0.75, 1.5], [side * 0.35, 2.1]]
            self._canvas.polygon(self._at(collar), mixed(look.cloth, (255, 255, 255), 0.6))
            self._canvas.line(self._at(collar), look.ink, look.line, closed=True)

    def _face(self) -> None:
        look = self._look
        outline = [[-0.78, -0.5], [0, -1.05], [0.78, -0.5], [0.76, 0.2], [0.5, 0.68], [0.06, 1.0]]
        outline += [[-0.06, 1.0], [-0.5, 0.68], [-0.76, 0.2]]
        for side in (-1, 1):
            self._fill([[side * 0.72, -0.1], [side * 0.95, -0.15], [side * 0.9, 0.2], [side * 0.7, 0.3]], look.skin)
        self._fill(outline, look.skin, 1.2)
        shade = [[-0.76, -0.4], [0.76, -0.4], [0.78, 0.0], [0.6, -0.12], [0.2, -0.05], [-0.2, -0.12], [-0.7, 0.02]]
        self._fill(shade, mixed(look.skin, look.ink, 0.18), 0)
        for side in (-1, 1):
            blush = self._at(ellipse((side * 0.45 + look.turn * 0.5, 0.42), (0.16, 0.08)))
            self._canvas.gradient(blush, mixed(look.skin, (255, 90, 90), 0.25), look.skin, 0.0)

    def _eye(self, side: int) -> None:
        look, generator = self._look, self._generator
        x, wide, tall = side * 0.38 + look.turn * 0.5, 0.2 * (1 - 0.3 * side * look.turn), generator.uniform(0.17, 0.27)
        white = [[x - wide, 0.12], [x, 0.12 - tall * 0.8], [x + wide, 0.12], [x, 0.12 + tall]]
        self._fill(white, (250, 248, 250), 0)
        iris = ellipse((x + look.turn * 0.1, 0.13), (wide * 0.72, tall * 0.9))
        dark = mixed(look.eyes, (0, 0, 0), 0.7)
        self._canvas.gradient(self._at(iris), dark, mixed(look.eyes, (255, 255, 255), 0.3), np.pi / 2)
        self._canvas.line(self._at(iris), dark, look.line * 0.7, closed=True)
        pupil = ellipse((x + look.turn * 0.1, 0.12), (wide * 0.3, tall * 0.45))
        self._canvas.polygon(self._at(pupil), mixed(dark, (0, 0, 0), 0.6))
        for dx, dy, r in ((-0.35, -0.4, 0.28), (0.3, 0.4, 0.13)):
            shine = ellipse((x + dx * wide, 0.13 + dy * tall), (wide * r, tall * r))
            self._canvas.polygon(self._at(shine), (255, 255, 255))
        lash = [[x - wide * 1.15, 0.12], [x - wide * 0.5, 0.08 - tall * 0.75], [x + wide * 0.5, 0.08 - tall * 0.75]]
        self._ink([*lash, [x + wide * 1.15, 0.12]], generator.uniform(2.2, 3.6))
        self._ink([[x - wide * 0.6, 0.13 + tall * 0.98], [x, 0.14 + tall], [x + wide * 0.6, 0.13 + tall * 0.98]], 0.8)
        lift = generator.normal(0, 0.04)
        brow = [[x - wide, -0.25 + lift * side], [x, -0.32], [x + wide, -0.25 - lift * side]]
        self._ink(brow, generator.uniform(0.9, 2))

    def _nose_and_mouth(self) -> None:
        generator, x = self._generator, self._look.turn * 0.7
        self._ink([[x, 0.38], [x + 0.03, 0.46], [x - 0.02, 0.48]], 0.8)
        wide, curve = generator.uniform(0.08, 0.25), generator.normal(0, 0.05)
        if generator.uniform() < 0.4:
            depth = generator.uniform(0.05, 0.16)
            self._fill([[x - wide, 0.68], [x, 0.66], [x + wide, 0.68], [x, 0.68 + depth]], (150, 50, 55))
        else:
            self._ink([[x - wide, 0.7], [x, 0.7 + curve], [x + wide, 0.7]], 1)

    def _fringe(self) -> None:
        """Pointed locks of hair from the crown, with a darker side, fine lines and a band of light."""
        look, generator = self._look, self._generator
        cap = [[-0.95, 0.1], [-0.98, -0.6], [-0.5, -1.2], [0, -1.32], [0.5, -1.2], [0.98, -0.6], [0.95, 0.1]]
        self._fill([*cap, [0.6, -0.55], [0, -0.65], [-0.6, -0.55]], look.hair, 1.2)
        count = int(generator.integers(6, 14))
        for start in generator.permutation(np.linspace(-0.85, 0.85, count)):
            tip = start * generator.uniform(0.95, 1.2) + generator.normal(0, 0.08)
            depth = generator.uniform(-0.3, 0.05) if abs(start) < 0.6 else generator.uniform(0.2, 0.9)
            half = 1.9 / count
            left, right = start - half, start + half
            lock = [[left * 0.55, -1.1], [left, -0.6], [tip, depth], [right, -0.6], [right * 0.55, -1.1]]
            self._fill(lock, look.hair, 0.9)
            side = [[start, -0.7], [tip, depth * 0.95], [right * 0.95, -0.6]]
            self._canvas.polygon(spline(self._at(side), closed=False), mixed(look.hair, look.ink, 0.3))
            for _ in range(3):
                x = generator.uniform(left, right)
                self._ink([[x * 0.6, -1.05], [x, -0.6], [(x + tip) / 2, depth * 0.5 - 0.2]], 0.5)
        light = mixed(look.hair, (255, 255, 255), 0.55)
        edges = np.linspace(-0.75, 0.75, 2 * count)
        upper = np.stack([edges, -0.95 + 0.3 * edges**2 + generator.uniform(-0.05, 0.05, len(edges))], axis=1)
        lower = np.stack([edges, -0.82 + 0.3 * edges**2 + generator.uniform(-0.09, 0.09, len(edges))], axis=1)
        self._canvas.polygon(self._at(np.concatenate([upper, lower[::-1]])), light)

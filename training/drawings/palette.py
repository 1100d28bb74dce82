"""Random colours."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.random import Generator

from training.drawings.canvas import Colour


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour by hue, saturation and value, each 0 to 1 (the hue in turns)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1)))
    return round(255 * red), round(255 * green), round(255 * blue)


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """A colour between `a` (0) and `b` (1)."""
    red, green, blue = (round(x * (1 - share) + y * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def related(generator: Generator, count: int, saturation: float = 0.5) -> list[Colour]:
    """Colours of neighbouring and opposite hues with different brightness, as a designer would take them together."""
    hue = generator.uniform()
    offsets = generator.choice([0.0, 0.04, -0.05, 0.09, 0.5, 0.45], count)
    return [
        hsv(hue + offset, saturation * generator.uniform(0.3, 1.7), generator.uniform(0.25, 1)) for offset in offsets
    ]


def contrasting(generator: Generator) -> tuple[Colour, Colour]:
    """A dark and a light colour in random order; often black and white."""
    if generator.uniform() < 0.4:
        dark, light = (0, 0, 0), (255, 255, 255)
    else:
        dark = hsv(generator.uniform(), generator.uniform(0, 0.9), generator.uniform(0, 0.4))
        light = hsv(generator.uniform(), generator.uniform(0, 0.4), generator.uniform(0.8, 1))
    return (dark, light) if generator.uniform() < 0.7 else (light, dark)

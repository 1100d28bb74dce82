"""All kinds of drawings by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.drawings.canvas import Canvas
from training.drawings.cel import draw_cel
from training.drawings.chart import draw_chart
from training.drawings.engraving import draw_engraving
from training.drawings.facade import draw_facade
from training.drawings.lettering import Lettering
from training.drawings.map import draw_map
from training.drawings.page import draw_page, draw_signs
from training.drawings.pattern import draw_pattern

_Lettered = Callable[[Generator, Canvas, Lettering], None]
_Plain = Callable[[Generator, Canvas], None]

_PLAIN: dict[str, _Plain] = {
    "cel": draw_cel,
    "engraving": draw_engraving,
    "facade": draw_facade,
    "pattern": draw_pattern,
}
_LETTERED: dict[str, _Lettered] = {"chart": draw_chart, "map": draw_map, "page": draw_page, "signs": draw_signs}

KINDS = tuple(sorted([*_PLAIN, *_LETTERED]))
"""Names of the kinds of drawings."""

SHARES = {"cel": 6, "facade": 5, "page": 3, "pattern": 3, "chart": 2, "map": 2, "signs": 2, "engraving": 1}
"""How many of 24 drawings are of each kind: more where networks of this size gain most, on buildings and ink lines."""


def draw(kind: str, seed: int, size: tuple[int, int] = (640, 640), fonts: Iterable[Path] = ()) -> NDArray[np.uint8]:
    """Draw a picture; equal arguments yield equal pictures with one version of OpenCV.

    Args:
        kind: One of `KINDS`.
        seed: Number of the picture.
        size: Width and height in pixels.
        fonts: Font files beside OpenCV's own fonts.

    Returns:
        R'G'B', (height, width, 3) uint8.

    Raises:
        ValueError: If there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"no drawing is called {kind}; choose one of {', '.join(KINDS)}")
    generator = np.random.default_rng([KINDS.index(kind), seed])
    canvas = Canvas(*size, (255, 255, 255))
    if kind in _PLAIN:
        _PLAIN[kind](generator, canvas)
    else:
        _LETTERED[kind](generator, canvas, Lettering(generator, list(fonts)))
    # From the sharpness of a renderer to that of a good lens.
    return canvas.reduced(blur=float(generator.choice([0, 0, 0.3, 0.5])))


def plan(count: int) -> list[tuple[str, int]]:
    """Kind and seed of each of `count` drawings, by `SHARES`."""
    total = sum(SHARES.values())
    order = [kind for kind, share in SHARES.items() for _ in range(share)]
    seeds = dict.fromkeys(SHARES, 0)
    planned = []
    for number in range(count):
        # Seven has no factor in common with the sum of shares, so that any beginning of the plan has all kinds.
        kind = order[number * 7 % total]
        planned.append((kind, seeds[kind]))
        seeds[kind] += 1
    return planned

"""A colour chart: bars of known RGB, red letters on blue, a ramp finer than any sample, and the frame's number."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from tests.cases import pattern, reference, samples
from tests.cases.samples import Tags

_RED, _BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
_LETTERS = np.array(
    [[bit == "#" for bit in row] for row in ("##..###.##.", "#.#.#...#.#", "##..##..#.#", "#.#.#...#.#", "#.#.###.##.")]
)


def draw(number: int, size: tuple[int, int] = pattern.SIZE) -> NDArray[np.float64]:
    """Draws chart `number` of (width, height), as RGB of 0..1, (3, height, width): pattern.draw with another middle."""
    width, height = size
    if height > width:
        return draw(number, (height, width)).swapaxes(1, 2)
    canvas = pattern.draw(number, size).transpose(2, 0, 1) / 255
    band = canvas[:, height // 2 : height - height // 4]
    band[:, :, : width // 2] = _letters(number, band.shape[1], width // 2)
    band[:, :, width // 2 :] = _ramp(number, band.shape[1], width - width // 2)
    return canvas


def opacity(size: tuple[int, int] = pattern.SIZE) -> NDArray[np.float64]:
    """Draws its alpha, (height, width) of 0..1: zero, a ramp, one; with a hole with hard edges in the middle."""
    width, height = size
    canvas = np.tile(np.clip(np.linspace(-0.2, 1.2, width), 0, 1), (height, 1))
    canvas[height // 3 : height // 2, width // 3 : width // 2] = 0
    return canvas


def frame(number: int, size: tuple[int, int], pixel: str, tags: Tags) -> av.VideoFrame:
    """Makes a frame of chart `number`, its samples converted as `tags` say, of which none may be unspecified."""
    layout = samples.layout(pixel)
    planes = reference.encode_rgb(draw(number, size), layout, tags)
    return samples.make_frame(pixel, [*planes, *([opacity(size) * layout.highest] if layout.alpha else [])])


def _letters(number: int, height: int, width: int) -> NDArray[np.float64]:
    """Draws RED in red on blue, of blocks, which moves by a sample a frame."""
    block = max(1, height // 6)
    canvas = np.tile(np.array(_BLUE)[:, None, None], (1, height, width))
    shape = _LETTERS.repeat(block, 0).repeat(block, 1)[: height - 1, : width - 4]
    left = 1 + number % 3
    place = canvas[:, 1 : 1 + shape.shape[0], left : left + shape.shape[1]]
    place[:, shape] = np.array(_RED)[:, None]
    return canvas


def _ramp(number: int, height: int, width: int) -> NDArray[np.float64]:
    """Draws a ramp: red increases to the right, blue decreases, green increases downwards."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([across, down, 1 - across * (1 - number / pattern.NUMBERS)])

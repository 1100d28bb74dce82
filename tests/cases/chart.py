"""A chart of colours: bars of known RGB, red letters on blue, a ramp finer than any sample, and the frame's number."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from tests.cases import pattern, samples, truth
from tests.cases.samples import Tags

_RED, _BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
_LETTERS = np.array(
    [[bit == "#" for bit in row] for row in ("##..###.##.", "#.#.#...#.#", "##..##..#.#", "#.#.#...#.#", "#.#.###.##.")]
)


def chart(number: int, size: tuple[int, int] = pattern.SIZE) -> NDArray[np.float64]:
    """Chart `number` of (width, height), as RGB of 0..1, (3, height, width): pattern.picture with another middle."""
    width, height = size
    if height > width:
        return chart(number, (height, width)).swapaxes(1, 2)
    drawn = pattern.picture(number, size).transpose(2, 0, 1) / 255
    band = drawn[:, height // 2 : height - height // 4]
    band[:, :, : width // 2] = _letters(number, band.shape[1], width // 2)
    band[:, :, width // 2 :] = _ramp(number, band.shape[1], width - width // 2)
    return drawn


def opacity(size: tuple[int, int] = pattern.SIZE) -> NDArray[np.float64]:
    """How opaque it is, (height, width) of 0..1: nothing, a ramp, all; with a hole of hard edges in the middle."""
    width, height = size
    drawn = np.tile(np.clip(np.linspace(-0.2, 1.2, width), 0, 1), (height, 1))
    drawn[height // 3 : height // 2, width // 3 : width // 2] = 0
    return drawn


def frame(number: int, size: tuple[int, int], pixel: str, tags: Tags) -> av.VideoFrame:
    """Chart `number` in a pixel format, its samples meaning what `tags` say, of which none may be missing."""
    layout = samples.layout(pixel)
    planes = truth.coded(chart(number, size), layout, tags)
    return samples.filled(pixel, [*planes, *([opacity(size) * layout.highest] if layout.alpha else [])])


def _letters(number: int, height: int, width: int) -> NDArray[np.float64]:
    """RED in red on blue, of blocks, that moves by a sample a frame."""
    block = max(1, height // 6)
    drawn = np.tile(np.array(_BLUE)[:, None, None], (1, height, width))
    shape = _LETTERS.repeat(block, 0).repeat(block, 1)[: height - 1, : width - 4]
    left = 1 + number % 3
    place = drawn[:, 1 : 1 + shape.shape[0], left : left + shape.shape[1]]
    place[:, shape] = np.array(_RED)[:, None]
    return drawn


def _ramp(number: int, height: int, width: int) -> NDArray[np.float64]:
    """Red rises to the right, blue falls, green rises downwards."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([across, down, 1 - across * (1 - number / pattern.NUMBERS)])

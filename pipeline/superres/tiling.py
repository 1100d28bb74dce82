"""Frames too big for the GPU's memory go through the network in tiles: where they lie and how they are joined.

    tile 1  ├──────────────────▒▒▒▒░░░░░┤
    tile 2                ├░░░░░▒▒▒▒──────────────────┤

░ is the margin: there the network saw the tile's edge instead of the picture, and nothing of it is used. Over the
ramp ▒ one tile fades out while the next fades in, linearly; the weights of all tiles at a pixel add up to one. A tile
is used as far to the right and to the bottom as it is valid, so only where it begins differs from tile to tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.models.spec import ModelSpec

KNOWN_RAMP = 8
UNKNOWN_MARGIN, UNKNOWN_RAMP = 32, 32
SMALLEST = 64

Pixels = NDArray[Any]
Axis = list[tuple[int, int]]  # for each tile along it: its place in the frame, and where in the tile its ramp begins


@dataclass(frozen=True)
class Tile:
    """A rectangle of the frame, in input pixels.

    x, y: its first column and row in the frame. left, top: how many of its own columns and rows are not used; there
    its ramp begins. They mean nothing where x or y is 0: a tile at the frame's border has no ramp on that side.
    """

    x: int
    y: int
    left: int
    top: int


@dataclass(frozen=True)
class Tiling:
    """A frame cut into overlapping tiles of one size, for which one engine is built. All numbers are input pixels.

    width, height: of the frame. tile_width, tile_height: of every tile; the last of a row or column is moved inward
    to end at the frame's border. margin: what is not used along a tile's edges inside the frame: how far the network
    reaches from an output pixel. ramp: over how many pixels neighbours are blended. multiple: places are multiples of
    it (but for the last of a row or column where the frame's size is none), and so are the tile's sizes, unless they
    are the frame's own.

    Raises ValueError where a tile is larger than the frame, or too small: cut sides take 2 margin + 2 ramp at least,
    and room for a step.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    margin: int = 0
    ramp: int = 0
    multiple: int = 2

    def __post_init__(self) -> None:
        for frame, tile in ((self.width, self.tile_width), (self.height, self.tile_height)):
            step = self._step(tile)
            # With shorter steps a tile would fade out before it has faded in.
            if tile != frame and not (tile < frame and tile % self.multiple == 0 and step >= max(self.ramp, 1)):
                raise ValueError(f"{self}: tiles are the frame's size, or smaller and not too small")

    def __str__(self) -> str:
        return (
            f"{self.width}x{self.height} in tiles of {self.tile_width}x{self.tile_height} "
            f"(margin {self.margin}, ramp {self.ramp}, multiples of {self.multiple})"
        )

    @property
    def whole(self) -> bool:
        """Whether the frame is one tile."""
        return (self.tile_width, self.tile_height) == (self.width, self.height)

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Row by row, each from the left: the order in which they must be pasted."""
        across, down = self._axis(self.width, self.tile_width), self._axis(self.height, self.tile_height)
        return tuple(Tile(x, y, left, top) for y, top in down for x, left in across)

    @property
    def computed(self) -> int:
        """How many pixels go through the network for a frame, those that overlap counted each time."""
        tiles = self._count(self.width, self.tile_width) * self._count(self.height, self.tile_height)
        return self.tile_width * self.tile_height * tiles

    def weights(self, tile: Tile, scale: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How much of `tile` there is in each of its rows, (scale tile_height,), and columns, (scale tile_width,).

        Of the output, enlarged by `scale`; 0..1. A pixel's weight is its row's times its column's.
        """
        return (
            self._weights(self.height, self.tile_height, tile.y, tile.top, scale),
            self._weights(self.width, self.tile_width, tile.x, tile.left, scale),
        )

    def _step(self, tile: int) -> int:
        return (tile - 2 * self.margin - self.ramp) // self.multiple * self.multiple

    def _count(self, frame: int, tile: int) -> int:
        return 1 if tile == frame else 1 + -(-(frame - tile) // self._step(tile))

    def _used(self, tile: int) -> int:
        """Where a tile that has a neighbour to the right or below begins to fade out."""
        return tile - self.margin - self.ramp

    def _axis(self, frame: int, tile: int) -> Axis:
        places = [min(index * self._step(tile), frame - tile) for index in range(self._count(frame, tile))]
        return [(0, 0), *((place, before + self._used(tile) - place) for before, place in pairwise(places))]

    def _weights(self, frame: int, tile: int, place: int, begin: int, scale: int) -> NDArray[np.float32]:
        weights = np.ones(scale * tile, np.float32)
        if place > 0:
            weights *= self._risen(scale * tile, scale * begin, scale)
        if place + tile < frame:
            weights *= 1 - self._risen(scale * tile, scale * self._used(tile), scale)
        return weights

    def _risen(self, length: int, begin: int, scale: int) -> NDArray[np.float32]:
        """How far a ramp from `begin` has risen at the middle of each of `length` output pixels, 0..1."""
        doubled = (2 * (np.arange(length) - begin) + 1).astype(np.float32)
        risen: NDArray[np.float32] = doubled / np.float32(max(2 * scale * self.ramp, 1))
        return risen.clip(0, 1)


def cuts(model: ModelSpec, width: int, height: int) -> Iterator[Tiling]:
    """Ways to cut a frame for `model`, from the whole one on; no other where the model takes one size only."""
    if model.size:
        yield Tiling(width, height, width, height)
    else:
        yield from tilings(width, height, model.receptive_field_radius, multiple=lcm(2, model.stride))


def tilings(
    width: int, height: int, reach: int | None, smallest: int = SMALLEST, multiple: int = 2
) -> Iterator[Tiling]:
    """Ways to cut a frame of `width` x `height`: first not at all, then into ever smaller tiles, about half as large
    each time, that have as few overlapping pixels as may be.

    reach: how many input pixels an output pixel depends on in each direction, or None for the whole picture; then
    neighbours never quite agree, and are blended over a longer way. smallest: of what is used of a tile's side.
    """
    margin, ramp = (UNKNOWN_MARGIN, UNKNOWN_RAMP) if reach is None else (reach, KNOWN_RAMP)
    shortest = max(smallest, ramp + _rounded_up(ramp, multiple)) + 2 * margin
    columns, rows = (_sizes(length, 2 * margin + ramp, shortest, multiple) for length in (width, height))
    choice = [Tiling(width, height, column, row, margin, ramp, multiple) for row in rows for column in columns]
    largest = float(width * height)
    for tiling in sorted(choice, key=lambda tiling: tiling.computed):
        if tiling.tile_width * tiling.tile_height <= largest:
            yield tiling
            largest = tiling.tile_width * tiling.tile_height * 2 / 3  # halves overlap: each is more than half the frame


def _sizes(length: int, overlap: int, shortest: int, multiple: int) -> list[int]:
    """`length`, and the sizes of tiles, `shortest` at least, that cover it evenly."""
    sizes = [length]
    overlap, shortest = _rounded_up(overlap, multiple), _rounded_up(shortest, multiple)
    for count in range(2, length):
        size = _rounded_up(-(-(length - overlap) // count) + overlap, multiple)
        if size < shortest:
            break
        if size < sizes[-1]:
            sizes.append(size)
    return sizes


def _rounded_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def upscaled(run: Callable[[Pixels], Pixels], tensor: Pixels, scale: int, tiling: Tiling) -> Pixels:
    """`tensor`, (C, H, W) float, enlarged by `scale` tile by tile: (C, scale H, scale W) of the same dtype.

    run: the network, (1, C, h, w) → (1, C, scale h, scale w). This is what the kernels in tiles.cu are tested against.
    """
    if tiling.whole:
        return np.asarray(run(tensor[None])[0])
    result: Pixels = np.zeros((len(tensor), scale * tiling.height, scale * tiling.width), tensor.dtype)
    for tile in tiling.tiles:
        rows, columns = slice(tile.y, tile.y + tiling.tile_height), slice(tile.x, tile.x + tiling.tile_width)
        _paste(run(tensor[None, :, rows, columns])[0], result, scale, tiling, tile)
    return result


def _paste(piece: Pixels, result: Pixels, scale: int, tiling: Tiling, tile: Tile) -> None:
    down, across = tiling.weights(tile, scale)
    rows, columns = _nonzero(down), _nonzero(across)
    place = result[:, scale * tile.y :, scale * tile.x :][:, rows, columns]
    place += down[rows, None] * across[columns] * piece[:, rows, columns]


def _nonzero(weights: NDArray[np.float32]) -> slice:
    used = np.flatnonzero(weights)
    return slice(used[0], used[-1] + 1)

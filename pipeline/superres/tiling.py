"""Tiling of frames that are too large for the available memory: positions of the tiles, and how they are blended.

    tile 1  ├──────────────────▒▒▒▒░░░░░┤
    tile 2                ├░░░░░▒▒▒▒──────────────────┤

░ is the margin, where the network saw the tile's edge instead of the image; its output is discarded. Over the ramp ▒
one tile fades out linearly while the next fades in: the weights of all tiles at a pixel add up to one. A tile is used
as far to the right and to the bottom as it is valid, so only the start of its ramp differs from tile to tile.

A tile may be larger than the frame, for networks that accept only multiples of a size, or one size alone. The frame is
then continued by its mirror image, and what the network makes of that is discarded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import inf, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.models.spec import ModelSpec

KNOWN_RAMP = 8
UNKNOWN_MARGIN, UNKNOWN_RAMP = 32, 32
SMALLEST = 64

Pixels = NDArray[Any]
Axis = list[tuple[int, int]]  # of each tile along it: position in the frame, and start of the ramp within the tile


@dataclass(frozen=True)
class Tile:
    """A rectangle of the frame, in input pixels.

    Attributes:
        x: First column, in the frame.
        y: First row, in the frame.
        left: Number of the tile's own columns before its ramp, which are not used. Without meaning if x is 0: a tile
            at the frame's border has no ramp on that side.
        top: Number of the tile's own rows before its ramp. Without meaning if y is 0.
    """

    x: int
    y: int
    left: int
    top: int


@dataclass(frozen=True)
class Tiling:
    """A frame cut into overlapping tiles of one size, for which one engine is built. All numbers are input pixels.

    Along an axis in which tiles are at least as large as the frame, there is one tile.

    Attributes:
        width: Width of the frame.
        height: Height of the frame.
        tile_width: Width of every tile. The last tile of a row is moved inward to end at the frame's border.
        tile_height: Height of every tile. The last tile of a column is moved inward.
        margin: Pixels along a tile's edges inside the frame that are not used: the radius of the receptive field.
        ramp: Pixels over which neighbouring tiles are blended.
        multiple: Positions are multiples of it, except the last of a row or column; sizes are, unless they are the
            frame's own or larger.

    Raises:
        ValueError: A tile is too small: a side that is cut needs at least 2 margin + 2 ramp pixels, and room for a
            step.
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
            # With shorter steps a tile would begin to fade out before it has faded in.
            if tile < frame and not (tile % self.multiple == 0 and step >= max(self.ramp, 1)):
                raise ValueError(f"{self}: tiles must be as large as the frame or larger, or smaller but not too small")

    def __str__(self) -> str:
        return (
            f"{self.width}x{self.height} in tiles of {self.tile_width}x{self.tile_height} "
            f"(margin {self.margin}, ramp {self.ramp}, multiples of {self.multiple})"
        )

    @property
    def is_single_tile(self) -> bool:
        """True if the one tile is the frame."""
        return (self.tile_width, self.tile_height) == (self.width, self.height)

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles row by row, each row from the left: the order in which they must be pasted."""
        across, down = self._axis(self.width, self.tile_width), self._axis(self.height, self.tile_height)
        return tuple(Tile(x, y, left, top) for y, top in down for x, left in across)

    @property
    def computed_pixels(self) -> int:
        """Number of pixels that pass through the network for a frame; overlapping ones count each time."""
        tiles = self._count(self.width, self.tile_width) * self._count(self.height, self.tile_height)
        return self.tile_width * self.tile_height * tiles

    def weights(self, tile: Tile, scale: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights of a tile's output, in 0..1. The weight of a pixel is that of its row times that of its column.

        Args:
            tile: One of `tiles`.
            scale: Factor by which the network enlarges.

        Returns:
            Weights of the rows, (scale tile_height,), and of the columns, (scale tile_width,). They are 0 beyond the
            frame.
        """
        return (
            self._weights(self.height, self.tile_height, tile.y, tile.top, scale),
            self._weights(self.width, self.tile_width, tile.x, tile.left, scale),
        )

    def _step(self, tile: int) -> int:
        return (tile - 2 * self.margin - self.ramp) // self.multiple * self.multiple

    def _count(self, frame: int, tile: int) -> int:
        return 1 if tile >= frame else 1 + -(-(frame - tile) // self._step(tile))

    def _fade_out(self, tile: int) -> int:
        """Position at which a tile with a neighbour to the right or below begins to fade out."""
        return tile - self.margin - self.ramp

    def _axis(self, frame: int, tile: int) -> Axis:
        last = max(frame - tile, 0)
        starts = [min(index * self._step(tile), last) for index in range(self._count(frame, tile))]
        return [(0, 0), *((start, before + self._fade_out(tile) - start) for before, start in pairwise(starts))]

    def _weights(self, frame: int, tile: int, start: int, ramp: int, scale: int) -> NDArray[np.float32]:
        weights = np.ones(scale * tile, np.float32)
        if start > 0:
            weights *= self._ramp(scale * tile, scale * ramp, scale)
        if start + tile < frame:
            weights *= 1 - self._ramp(scale * tile, scale * self._fade_out(tile), scale)
        weights[scale * (frame - start) :] = 0
        return weights

    def _ramp(self, length: int, begin: int, scale: int) -> NDArray[np.float32]:
        """Height, in 0..1, of a ramp that begins at `begin`, at the centre of each of `length` output pixels."""
        doubled = (2 * (np.arange(length) - begin) + 1).astype(np.float32)
        height: NDArray[np.float32] = doubled / np.float32(max(2 * scale * self.ramp, 1))
        return height.clip(0, 1)


def model_tilings(model: ModelSpec, width: int, height: int) -> Iterator[Tiling]:
    """Tilings of a frame for `model`, the complete frame first; a single tiling if the model accepts a single size."""
    if model.size:
        yield _fixed_tiling(model, width, height)
    else:
        yield from candidate_tilings(
            width,
            height,
            model.receptive_field_radius,
            multiple=lcm(2, model.stride),
            size_multiple=model.size_multiple,
        )


def _fixed_tiling(model: ModelSpec, width: int, height: int) -> Tiling:
    """The tiling of a frame for a model that accepts a single size: tiles overlap as far as they have room."""
    assert model.size
    tile_height, tile_width = model.size
    cut = [tile for tile, frame in ((tile_width, width), (tile_height, height)) if tile < frame]
    radius = UNKNOWN_MARGIN if model.receptive_field_radius is None else model.receptive_field_radius
    room = min(cut, default=0) // 2  # at least half of a tile is a step
    ramp = min(KNOWN_RAMP, room // 3)
    margin = min(radius, (room - ramp) // 2)
    units = (lcm(2, model.stride), 2, 1)
    multiple = next(unit for unit in units if unit == 1 or all(tile % unit == 0 and tile >= 4 * unit for tile in cut))
    return Tiling(width, height, tile_width, tile_height, margin, ramp, multiple)


def candidate_tilings(
    width: int,
    height: int,
    radius: int | None,
    smallest: int = SMALLEST,
    multiple: int = 2,
    size_multiple: int = 1,
) -> Iterator[Tiling]:
    """Tilings of a frame with ever smaller tiles, each about half as large as the one before.

    The first is the complete frame, continued to multiples of `size_multiple`. Of the tilings of similar tile sizes,
    the one with the least overlap is chosen.

    Args:
        width: Width of the frame.
        height: Height of the frame.
        radius: Radius of the receptive field in input pixels. None if it is the complete image: neighbouring tiles then
            never agree exactly, and are blended over a longer ramp.
        smallest: Least number of used pixels along a tile's side.
        multiple: Unit of positions and sizes; a multiple of `size_multiple`.
        size_multiple: The network accepts only multiples of it.
    """
    margin, ramp = (UNKNOWN_MARGIN, UNKNOWN_RAMP) if radius is None else (radius, KNOWN_RAMP)
    shortest = max(smallest, ramp + _rounded_up(ramp, multiple)) + 2 * margin
    columns, rows = (
        [_rounded_up(length, size_multiple), *_sizes(length, 2 * margin + ramp, shortest, multiple)]
        for length in (width, height)
    )
    choice = [Tiling(width, height, column, row, margin, ramp, multiple) for row in rows for column in columns]
    largest = inf
    for tiling in sorted(choice, key=lambda tiling: tiling.computed_pixels):
        if tiling.tile_width * tiling.tile_height <= largest:
            yield tiling
            # Tiles overlap, so that each of two is more than half of the frame.
            largest = tiling.tile_width * tiling.tile_height * 2 / 3


def _sizes(length: int, overlap: int, shortest: int, multiple: int) -> list[int]:
    """The tile sizes of at least `shortest` that cover `length` evenly."""
    sizes = [length]
    overlap, shortest = _rounded_up(overlap, multiple), _rounded_up(shortest, multiple)
    for count in range(2, length):
        size = _rounded_up(-(-(length - overlap) // count) + overlap, multiple)
        if size < shortest:
            break
        if size < sizes[-1]:
            sizes.append(size)
    return sizes[1:]


def _rounded_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def upscale_in_tiles(run: Callable[[Pixels], Pixels], tensor: Pixels, scale: int, tiling: Tiling) -> Pixels:
    """Upscale a tensor tile by tile. The kernels in tiles.cu are tested against this function.

    Args:
        run: The network, from (1, C, h, w) to (1, C, scale h, scale w).
        tensor: (C, H, W), of any float dtype.
        scale: Factor by which the network enlarges.
        tiling: Tiling of H x W.

    Returns:
        (C, scale H, scale W), of the same dtype.
    """
    if tiling.is_single_tile:
        return np.asarray(run(tensor[None])[0])
    output: Pixels = np.zeros((len(tensor), scale * tiling.height, scale * tiling.width), tensor.dtype)
    beyond = (tiling.tile_height - tiling.height, tiling.tile_width - tiling.width)
    tensor = np.pad(tensor, ((0, 0), *((0, max(0, pixels)) for pixels in beyond)), mode="reflect")
    for tile in tiling.tiles:
        rows, columns = slice(tile.y, tile.y + tiling.tile_height), slice(tile.x, tile.x + tiling.tile_width)
        _paste(run(tensor[None, :, rows, columns])[0], output, scale, tiling, tile)
    return output


def _paste(piece: Pixels, output: Pixels, scale: int, tiling: Tiling, tile: Tile) -> None:
    down, across = tiling.weights(tile, scale)
    rows, columns = _nonzero(down), _nonzero(across)
    target = output[:, scale * tile.y :, scale * tile.x :][:, rows, columns]
    target += down[rows, None] * across[columns] * piece[:, rows, columns]


def _nonzero(weights: NDArray[np.float32]) -> slice:
    used = np.flatnonzero(weights)
    return slice(used[0], used[-1] + 1)
